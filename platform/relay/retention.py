"""Delete packages and openings when nobody may need them any more: some days after the trade's end (A-17).

Root, size and receipts stay; a supervisor's legal hold on one of a trade's packages keeps the bytes of both. Every
trade that can be disputed has a row in `packages`, so what was opened for those who decide goes, or stays, with it.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from countermark.platform.disputes.openings import folder as openings_folder
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.ports import ObjectStore
from countermark.platform.relay.packages import folder as packages_folder
from countermark.platform.relay.packages import lock_packages
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import or_, select, update
from countermark.platform.trades import load_trade

DAY_MS = 86_400_000


class RetentionJob(LeasedJob[str]):
    """Gives what was sent in ended trades its last day, and deletes it after it; items are ids of trades."""

    name: ClassVar[str] = "retention"

    def __init__(
        self, database: Database, *, objects: ObjectStore, clock: Callable[[], int], kept_days: int = 30
    ) -> None:
        """Create the job; packages are kept ``kept_days`` days after the end of their trade."""
        super().__init__(database)
        self._objects = objects
        self._clock = clock
        self._kept_ms = kept_days * DAY_MS

    def find(self) -> Iterable[str]:
        """Return the trades whose packages wait for the trade's end, or whose last day is over."""
        packages, trades = tables.packages, tables.trades
        held = packages.alias()
        query = (
            select(packages.c.trade)
            .join(trades, trades.c.id == packages.c.trade)
            .where(
                packages.c.state != "DELETED",
                packages.c.trade.not_in(select(held.c.trade).where(held.c.legal_hold)),
                trades.c.deadline_ms.is_(None),
                or_(packages.c.delete_after_ms.is_(None), packages.c.delete_after_ms <= self._clock()),
            )
            .distinct()
        )
        with self.database.begin() as connection:
            return connection.execute(query).scalars().all()

    def handle(self, item: str) -> bool:
        """Set the last day of what was sent in one trade, or delete it."""
        packages = tables.packages
        with self.database.begin() as connection:
            # Locked, so that a hold that is laid on it now comes either before or too late, never in between.
            rows = lock_packages(connection, item)
            kept = [row for row in rows if row.state != "DELETED"]
            if not kept or any(row.legal_hold for row in rows):
                return False
            ended_ms = load_trade(connection, item).updated_at_ms
            delete_after_ms = max(row.delete_after_ms or ended_ms + self._kept_ms for row in kept)
            changes: dict[str, Any] = {"delete_after_ms": delete_after_ms}
            if delete_after_ms <= self._clock():
                # Before the rows say so: should they not be committed, deleting again does no harm.
                for prefix in (packages_folder(item), openings_folder(item)):
                    self._objects.clear(prefix)
                changes["state"] = "DELETED"
            connection.execute(update(packages).where(packages.c.trade == item).values(changes))
        return True

    def describe(self, item: str) -> str:
        """Return the trade's id."""
        return item

    def trade(self, item: str) -> str:
        """Return the trade's id."""
        return item
