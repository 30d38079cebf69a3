"""Delete packages and openings when nobody may need them any more: some days after the trade's end (A-17).

Root, size and receipts stay; the supervisor's legal hold on a contract keeps the bytes of all its trades. Every trade
that can be disputed has a row in `packages`, so what was opened for those who decide goes, or stays, with it.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from countermark.platform.contracts.marks import is_held, keeps_all
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
        packages, trades, contracts = tables.packages, tables.trades, tables.data_contracts
        query = (
            select(packages.c.trade)
            .join(trades, trades.c.id == packages.c.trade)
            .outerjoin(contracts, contracts.c.address == trades.c.listing)
            .where(
                packages.c.state != "DELETED",
                is_held().is_not(True),
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
            kept = [row for row in lock_packages(connection, item) if row.state != "DELETED"]
            trade = load_trade(connection, item)
            if not kept or keeps_all(connection, trade.listing):
                return False
            ended_ms = trade.updated_at_ms
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
