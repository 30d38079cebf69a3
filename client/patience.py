"""When an agent tries again what has failed: later each time, and some things never."""

from collections.abc import Callable
from dataclasses import dataclass

FIRST_S = 5.0
LONGEST_S = 600.0
REST_S = 60.0
"""How long an act that was done well is not done again, should it still seem to be its turn."""

_NEVER = float("inf")


@dataclass
class _Wait:
    until: float
    next_s: float


class Patience:
    """The acts that wait, by trade and name; times are those of the monotonic ``clock``, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waits: dict[tuple[str, str], _Wait] = {}

    def over(self, trade: str, act: str) -> bool:
        """Return whether ``act`` may be tried."""
        wait = self._waits.get((trade, act))
        return wait is None or self._clock() >= wait.until

    def fail(self, trade: str, act: str, *, for_good: bool = False) -> None:
        """Let ``act``, which has failed, wait twice as long as the last time; for good, where nothing can help."""
        earlier = self._waits.get((trade, act))
        pause = earlier.next_s if earlier else FIRST_S
        until = _NEVER if for_good else self._clock() + pause
        self._waits[trade, act] = _Wait(until, min(2 * pause, LONGEST_S))

    def rest(self, trade: str, act: str) -> None:
        """Let ``act``, which was done, wait a while."""
        self._waits[trade, act] = _Wait(self._clock() + REST_S, FIRST_S)
