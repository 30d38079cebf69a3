"""Call the contracts whose deadline has passed: they do not wake up by themselves (A-24, R76, R77).

Anybody may do the same; `enforce` is harmless when somebody was faster.
"""

from collections.abc import Iterable
from typing import ClassVar

from countermark.platform.deadlines.due import Due, find_due
from countermark.platform.jobs.acts import Calling
from countermark.platform.jobs.leased import LeasedJob


class WatchdogJob(LeasedJob[Due]):
    """Submits `trade.enforce`, `listing.enforce`, `coin.enforce` and `claim.enforce` when they are due."""

    name: ClassVar[str] = "watchdog"

    def __init__(self, calling: Calling, *, later_ms: int = 0) -> None:
        """Leave what is due to others for ``later_ms`` first."""
        super().__init__(calling.database)
        self._calling = calling
        self._later_ms = later_ms

    def find(self) -> Iterable[Due]:
        """Return what is due now."""
        with self.database.autocommit() as connection:
            return find_due(connection, self._calling.clock() - self._later_ms)

    def handle(self, item: Due) -> bool:
        """Submit one call."""
        return self._calling.call(item.function, item.subject)

    def describe(self, item: Due) -> str:
        """Return the function and the id."""
        return f"{item.function} {item.subject}"

    def trade(self, item: Due) -> str:
        """Return the id of the trade, "" where something else is due."""
        return item.subject if item.function == "trade.enforce" else ""
