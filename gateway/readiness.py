"""Whether this gateway can serve, and which part is away when it cannot."""

from dataclasses import dataclass, field

from countermark.gateway.services import Services
from countermark.platform.ports import UnavailableError
from countermark.platform.views import progress
from countermark.protocol.errors import MarketError

MOST_LAG = 20
"""Blocks that the projection may be behind the ledger."""


@dataclass(frozen=True)
class Readiness:
    """The state of each part; ``lag`` in blocks and ``stale`` in rows are None where nobody can tell."""

    database: bool
    ledger: bool
    lag: int | None = None
    stale: int | None = None
    away: tuple[str, ...] = field(default=())

    @property
    def ready(self) -> bool:
        """Whether everything is there."""
        return not self.away


def check(services: Services) -> Readiness:
    """Return the present readiness; takes at most a few seconds."""
    tables = _tables(services)
    height = _height(services)
    lag = None if tables is None or height is None else max(height - tables[0], 0)
    parts = {
        "database": tables is None,
        "ledger": height is None,
        "projector": lag is not None and lag > MOST_LAG,
    }
    away = tuple(name for name, missing in parts.items() if missing)
    return Readiness(tables is not None, height is not None, lag, None if tables is None else tables[1], away)


def _tables(services: Services) -> tuple[int, int] | None:
    """Return the projected height and the rows that the index has not read, None when the database is away."""
    try:
        with services.database.begin() as connection:
            projected = progress.height(connection)
            # The index is read when it is needed: staleness costs the next comparison time, and nothing else.
            return projected, max(progress.newest_fingerprint(connection) - services.index.seen, 0)
    except MarketError:
        return None


def _height(services: Services) -> int | None:
    """Return the ledger's height, None when it is away."""
    try:
        return services.chain.height()
    except UnavailableError:
        return None
