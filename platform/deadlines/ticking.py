"""Advance the ledger's epoch when its time is over: an envelope that was held back then commits no more."""

from collections.abc import Iterable
from typing import ClassVar

from countermark.platform.contracts.market import load_market
from countermark.platform.jobs.acts import Calling
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.store import tables
from countermark.platform.store.sql import select

FUNCTION = "clock.tick"


class TickJob(LeasedJob[int]):
    """Submits `clock.tick`, which anybody may call; items are the number of the epoch that has ended."""

    name: ClassVar[str] = "clock"

    def __init__(self, calling: Calling, *, later_ms: int = 0) -> None:
        """Leave what is due to others for ``later_ms`` first."""
        super().__init__(calling.database)
        self._calling = calling
        self._later_ms = later_ms

    def find(self) -> Iterable[int]:
        """Return the present epoch if its time is over."""
        epoch = tables.epoch
        with self.database.autocommit() as connection:
            row = connection.execute(select(epoch.c.n, epoch.c.ts_ms)).one_or_none()
            if row is None:
                return []
            ends_ms = row.ts_ms + load_market(connection).epoch_s * 1000
        return [row.n] if self._calling.clock() - self._later_ms >= ends_ms else []

    def handle(self, item: int) -> bool:
        """Submit one tick."""
        return self._calling.call(FUNCTION)

    def describe(self, item: int) -> str:
        """Return the epoch's number."""
        return f"epoch {item}"
