"""Delete packages and openings when nobody may need them any more: some days after the trade's end (A-17).

Root, size and receipts stay; a supervisor's legal hold keeps the bytes. Every trade that can be disputed has a row in
`packages`, so what was opened for those who decide goes, or stays, with it.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from countermark.platform.disputes.openings import folder as openings_folder
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.ports import ObjectStore
from countermark.platform.relay.packages import folder as packages_folder
from countermark.platform.relay.packages import lock_package
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Row, or_, select, update
from countermark.platform.trades import load_trade

DAY_MS = 86_400_000


class RetentionJob(LeasedJob[Row[Any]]):
    """Gives what was sent in ended trades its last day, and deletes it after it; items are rows of `packages`."""

    name: ClassVar[str] = "retention"

    def __init__(
        self, database: Database, *, objects: ObjectStore, clock: Callable[[], int], kept_days: int = 30
    ) -> None:
        """Create the job; packages are kept ``kept_days`` days after the end of their trade."""
        super().__init__(database)
        self._objects = objects
        self._clock = clock
        self._kept_ms = kept_days * DAY_MS

    def find(self) -> Iterable[Row[Any]]:
        """Return the packages that wait for their trade's end, or whose last day is over."""
        packages, trades = tables.packages, tables.trades
        query = (
            select(packages)
            .join(trades, trades.c.id == packages.c.trade)
            .where(
                packages.c.state != "DELETED",
                packages.c.legal_hold.is_(False),
                trades.c.deadline_ms.is_(None),
                or_(packages.c.delete_after_ms.is_(None), packages.c.delete_after_ms <= self._clock()),
            )
        )
        with self.database.begin() as connection:
            return connection.execute(query).all()

    def handle(self, item: Row[Any]) -> bool:
        """Set the last day of one package, or delete it."""
        packages = tables.packages
        with self.database.begin() as connection:
            # Locked, so that a hold that is laid on it now comes either before or too late, never in between.
            row = lock_package(connection, item.trade)
            if row is None or row.legal_hold or row.state == "DELETED":
                return False
            delete_after_ms = row.delete_after_ms
            if delete_after_ms is None:
                delete_after_ms = load_trade(connection, row.trade).updated_at_ms + self._kept_ms
            state = row.state
            if delete_after_ms <= self._clock():
                # Before the row says so: should the row not be committed, deleting again does no harm.
                for prefix in (packages_folder(row.trade), openings_folder(row.trade)):
                    self._objects.clear(prefix)
                state = "DELETED"
            connection.execute(
                update(packages)
                .where(packages.c.trade == row.trade)
                .values(delete_after_ms=delete_after_ms, state=state)
            )
        return True

    def describe(self, item: Row[Any]) -> str:
        """Return the trade's id."""
        return str(item.trade)

    def trade(self, item: Row[Any]) -> str:
        """Return the trade's id."""
        return str(item.trade)
