"""Open the accounts with which the platform itself acts; the ledger takes intents of opened accounts only."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from countermark.platform.jobs.acts import Acting
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.store import tables
from countermark.platform.store.sql import select
from countermark.protocol.accounts import AccountKey
from countermark.protocol.market import PublicKey

FUNCTION = "account.open"


class OwnAccountsJob(LeasedJob[AccountKey]):
    """Opens the account of each of ``keys`` that is not on the ledger yet; ``encryption`` receives what is sealed."""

    name: ClassVar[str] = "own-accounts"

    def __init__(self, acting: Acting, keys: Sequence[AccountKey], encryption: PublicKey) -> None:
        super().__init__(acting.database)
        self._acting = acting
        self._keys = {key.address: key for key in keys}
        self._encryption = {"version": encryption.version, "key": encryption.key}

    def find(self) -> Iterable[AccountKey]:
        """Return the keys whose accounts are missing."""
        accounts = tables.accounts
        query = select(accounts.c.address).where(accounts.c.address.in_(list(self._keys)))
        with self.database.autocommit() as connection:
            opened = set(connection.execute(query).scalars())
        return [key for address, key in self._keys.items() if address not in opened]

    def handle(self, item: AccountKey) -> bool:
        """Submit the opening of one account."""
        return replace(self._acting, key=item).sign(FUNCTION, {"encryption_key": self._encryption})

    def describe(self, item: AccountKey) -> str:
        """Return the account's address."""
        return item.address
