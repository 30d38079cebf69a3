"""Whether this gateway can serve, and which part is away when it cannot."""

import threading
import time
from dataclasses import dataclass, field

from countermark.gateway.services import PlatformServices, Services
from countermark.platform.ports import UnavailableError
from countermark.platform.views import progress
from countermark.protocol.errors import MarketError

MOST_LAG = 20
"""Blocks that the projection may be behind the ledger."""

STALLED_S = 15.0
"""How long the projection may be behind without applying a block: nothing that is written is answered meanwhile."""

TIME_CHECKED_S = 300.0
"""How long a peer that holds timestamps to its window is believed to go on doing so."""


@dataclass(frozen=True)
class Readiness:
    """The state of each part; ``lag`` in blocks and ``stale`` in rows are None where nobody can tell."""

    database: bool
    ledger: bool
    store: bool | None
    """None where there is none: members' gateways keep no objects."""
    time_window: bool | None
    """Whether peers hold timestamps to a window, without which deadlines mean nothing; None where nobody can tell."""

    clock: bool | None
    """Whether this machine's clock is within that window; None where nobody can tell."""

    lag: int | None = None
    stale: int | None = None
    away: tuple[str, ...] = field(default=())

    @property
    def ready(self) -> bool:
        """Whether everything is there."""
        return not self.away


class Watch:
    """Looks at all parts, and remembers how long the projection has not moved. May be shared between threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._projected = -1
        self._moved_at = time.monotonic()
        self._time_checked_at = -TIME_CHECKED_S

    def check(self) -> Readiness:
        """Return the present readiness; a part that does not answer is waited for as long as a request would."""
        tables, height, store = self._tables(), self._height(), self._store()
        time_window = None if height is None else self._time_window()
        clock = None if height is None else self._clock()
        projected, stale = (None, None) if tables is None else tables
        lag = None if projected is None or height is None else max(height - projected, 0)
        stalled_s = 0.0 if projected is None else self._stalled_s(projected, behind=bool(lag))
        parts = {
            "database": tables is None,
            "ledger": height is None,
            "store": store is False,
            "time_window": time_window is False,
            "clock": clock is False,
            "projector": lag is not None and (lag > MOST_LAG or stalled_s > STALLED_S),
        }
        away = tuple(name for name, missing in parts.items() if missing)
        return Readiness(tables is not None, height is not None, store, time_window, clock, lag, stale, away)

    def _stalled_s(self, projected: int, *, behind: bool) -> float:
        """Return for how long the projection has been at ``projected`` blocks although there are more."""
        now = time.monotonic()
        with self._lock:
            if projected != self._projected or not behind:
                self._projected, self._moved_at = projected, now
            return now - self._moved_at

    def _tables(self) -> tuple[int, int | None] | None:
        """Return the projected height and the rows that the index, if there is one, has not read.

        None when the database is away.
        """
        services = self._services
        try:
            with services.database.begin() as connection:
                projected = progress.height(connection)
                # The index is read when it is needed: staleness costs the next comparison time, and nothing else.
                if isinstance(services, PlatformServices):
                    return projected, max(progress.newest_fingerprint(connection) - services.index.seen, 0)
                return projected, None
        except MarketError:
            return None

    def _height(self) -> int | None:
        """Return the ledger's height, None when it is away."""
        try:
            return self._services.chain.height()
        except UnavailableError:
            return None

    def _time_window(self) -> bool | None:
        """Return whether peers check timestamps, None where they do not say; a yes holds for a while."""
        if time.monotonic() - self._time_checked_at < TIME_CHECKED_S:
            return True
        try:
            checked = self._services.chain.checks_time()
        except UnavailableError:
            return None
        if checked:
            self._time_checked_at = time.monotonic()
        return checked

    def _clock(self) -> bool | None:
        """Return whether peers take this machine's time, None where they do not say."""
        try:
            return self._services.chain.accepts_time()
        except UnavailableError:
            return None

    def _store(self) -> bool | None:
        """Return whether the object store answers, None where there is none."""
        if not isinstance(self._services, PlatformServices):
            return None
        try:
            self._services.objects.probe()
        except MarketError:
            return False
        return True
