"""Remove what lies outside the tables of a contract whose opening was purged: the last of its fingerprints.

The tables' private columns are emptied with the block (`projection.erasing`). What is left are the sealed
fingerprints for the supervisor in the object store, and those of copies by which somebody came near: they show the
same things.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from countermark.platform.contracts import deposit
from countermark.platform.contracts.marks import is_erased
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.matching.decision import Decision
from countermark.platform.matching.probes import Probes
from countermark.platform.ports import ObjectStore
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import ColumnElement, and_, select, update


class ErasureJob(LeasedJob[str]):
    """Removes what is left of erased contracts; items are addresses."""

    name: ClassVar[str] = "erasure"

    def __init__(self, database: Database, *, objects: ObjectStore, probes: Probes, clock: Callable[[], int]) -> None:
        super().__init__(database)
        self._objects = objects
        self._probes = probes
        self._clock = clock

    def find(self) -> Iterable[str]:
        """Return the addresses of erased contracts of which something may be left."""
        registrations, contracts = tables.registrations, tables.data_contracts
        query = (
            select(contracts.c.address)
            .join(registrations, registrations.c.address == contracts.c.address)
            .where(
                is_erased(),
                _registered(),
                # Until then its fingerprints may just be on their way there.
                registrations.c.deposited_ms.is_not(None),
                registrations.c.erased_ms.is_(None),
            )
        )
        with self.database.autocommit() as connection:
            return list(connection.execute(query).scalars())

    def handle(self, item: str) -> bool:
        """Remove what is left of one contract."""
        deposit.remove(self._objects, item)
        registrations = tables.registrations
        done = update(registrations).where(registrations.c.address == item, _registered())
        with self.database.begin() as connection:
            self._probes.forget_samples(connection, item)
            connection.execute(done.values(erased_ms=self._clock()))
        return True

    def describe(self, item: str) -> str:
        """Return the address itself."""
        return item


def _registered() -> ColumnElement[bool]:
    """Return the condition that the gate allowed it, and the ledger took it."""
    registrations = tables.registrations
    return and_(registrations.c.decision == Decision.ALLOWED, registrations.c.failure.is_(None))
