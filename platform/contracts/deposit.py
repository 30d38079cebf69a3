"""Deposit the item fingerprints of each contract for the supervisor, sealed to his key, in the object store (D-1).

With them and the root in the private collection he checks the platform's table against his own peer. Of a large
collection they are several objects, each of which says of how many it is which.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from countermark.platform.contracts.items import item_places, read_at
from countermark.platform.contracts.market import load_market
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.matching.decision import Decision
from countermark.platform.matching.findings import open_findings
from countermark.platform.ports import ObjectStore
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import keep
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, select, update
from countermark.protocol import canonical
from countermark.protocol.encoding import b64u
from countermark.protocol.sealed import seal

KIND = "fingerprints"
"""Kind of the sealed message: canonical JSON ``{"items": [base64url, …], "listing"}``, items in the root's order.

Where they are more than `PART_ITEMS`: ``{"items", "listing", "part", "parts"}``, parts counted from 1. Where some are
copies of others', the first one says how much of whose: ``"shares": [{"items", "listing", "mine", "owner"}, …]``:
``mine`` of the items deposited are copies of any of the ``items`` of that listing.
"""

PART_ITEMS = 256
"""Most fingerprints in one object."""


def object_name(address: str, part: int = 1, of: int = 1) -> str:
    """Return the name of the object that holds that part of the sealed fingerprints of the contract ``address``."""
    return f"fingerprints/{address}" if of == 1 else f"fingerprints/{address}/{part}"


def remove(objects: ObjectStore, address: str) -> None:
    """Remove the sealed fingerprints of the contract ``address``, however many objects they are.

    Raises:
        MarketError: STORE_UNAVAILABLE, DATABASE_UNAVAILABLE.
    """
    objects.delete(object_name(address))
    objects.clear(object_name(address))


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
        """Seal and store the fingerprints of one contract, some at a time."""
        with self.database.begin() as connection:
            key = load_market(connection).supervisor.encryption_key
            places = item_places(connection, item)
            shares = self._shares(connection, item)
        parts = [places[start : start + PART_ITEMS] for start in range(0, len(places), PART_ITEMS)]
        for number, some in enumerate(parts, start=1):
            with self.database.begin() as connection:
                items = [b64u(data) for data in read_at(connection, self._box, item, some)]
            document: dict[str, Any] = {"items": items, "listing": item}
            if len(parts) > 1:
                document |= {"part": number, "parts": len(parts)}
            if number == 1 and shares:
                document["shares"] = shares
            sealed = seal(key.key, canonical.dumps(document), kind=KIND, market=self._market, key_version=key.version)
            keep(self._objects, object_name(item, number, len(parts)), canonical.dumps(sealed))
        with self.database.begin() as connection:
            registrations = tables.registrations
            connection.execute(
                update(registrations)
                .where(registrations.c.address == item, registrations.c.decision == Decision.ALLOWED)
                .values(deposited_ms=self._clock())
            )
        return True

    def _shares(self, connection: Connection, address: str) -> list[dict[str, Any]]:
        """Return how much of whose the contract ``address`` holds: the gate let it pass, and the supervisor knows."""
        registrations = tables.registrations
        row = connection.execute(
            select(registrations.c.case_number, registrations.c.matched, registrations.c.seller).where(
                registrations.c.address == address, registrations.c.decision == Decision.ALLOWED
            )
        ).one()
        shares = open_findings(self._box, row.case_number, row.matched).shares
        return [
            {"items": share.items, "listing": share.address, "mine": share.mine, "owner": share.owner}
            for share in shares
            if share.owner != row.seller
        ]

    def describe(self, item: str) -> str:
        """Return the address itself."""
        return item
