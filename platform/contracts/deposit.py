"""Deposit the item fingerprints of each contract for the supervisor, sealed to his key, in the object store (D-1).

With them and the root in the private collection he checks the platform's table against his own peer.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from countermark.platform.contracts.items import read_items
from countermark.platform.contracts.market import load_market
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.matching.decision import Decision
from countermark.platform.ports import ObjectStore
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import keep
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import select, update
from countermark.protocol import canonical
from countermark.protocol.encoding import b64u
from countermark.protocol.sealed import seal

KIND = "fingerprints"
"""Kind of the sealed message: canonical JSON ``{"items": [base64url, …], "listing"}``, items in the root's order."""


def object_name(address: str) -> str:
    """Return the name of the object that holds the sealed fingerprints of the contract ``address``."""
    return f"fingerprints/{address}"


class DepositJob(LeasedJob[str]):
    """Seals the fingerprints of contracts that the ledger has; items are addresses."""

    name: ClassVar[str] = "fingerprint-deposit"

    def __init__(
        self, database: Database, *, objects: ObjectStore, box: SecretBox, market: str, clock: Callable[[], int]
    ) -> None:
        super().__init__(database)
        self._objects = objects
        self._box = box
        self._market = market
        self._clock = clock

    def find(self) -> Iterable[str]:
        """Return the addresses of committed contracts whose fingerprints were not deposited yet."""
        registrations, contracts = tables.registrations, tables.data_contracts
        query = (
            select(registrations.c.address)
            .join(contracts, contracts.c.address == registrations.c.address)
            .where(
                registrations.c.decision == Decision.ALLOWED,
                registrations.c.failure.is_(None),
                registrations.c.deposited_ms.is_(None),
                contracts.c.state.is_not(None),
            )
        )
        with self.database.autocommit() as connection:
            return list(connection.execute(query).scalars())

    def handle(self, item: str) -> bool:
        """Seal and store the fingerprints of one contract."""
        with self.database.begin() as connection:
            key = load_market(connection).supervisor.encryption_key
            document = {"items": [b64u(data) for data in read_items(connection, self._box, item)], "listing": item}
        sealed = seal(key.key, canonical.dumps(document), kind=KIND, market=self._market, key_version=key.version)
        keep(self._objects, object_name(item), canonical.dumps(sealed))
        with self.database.begin() as connection:
            registrations = tables.registrations
            connection.execute(
                update(registrations)
                .where(registrations.c.address == item, registrations.c.decision == Decision.ALLOWED)
                .values(deposited_ms=self._clock())
            )
        return True

    def describe(self, item: str) -> str:
        """Return the address itself."""
        return item
