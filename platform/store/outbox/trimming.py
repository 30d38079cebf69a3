"""Forget outbox rows that nobody will ask for again."""

from sqlalchemy import delete

from countermark.platform.store import clock
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox.entry import OPEN_STATES
from countermark.platform.store.tables import outbox

KEPT_MS = 7 * 86_400_000
"""Longer than the rest after any number of failures, for which earlier attempts are looked at."""


def forget_calls(database: Database, *, kept_ms: int = KEPT_MS) -> int:
    """Delete ended calls without an intent (`clock.tick`, `….enforce`) after `kept_ms`, and return how many rows.

    Rows of intents stay for ever: they are why the same intent has the same answer.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    ended = outbox.c.nonce.is_(None) & outbox.c.state.not_in(OPEN_STATES)
    # An attempt ends before the one that takes its place, so no row is left that names a deleted one.
    statement = delete(outbox).where(ended, outbox.c.updated_ms < clock.now() - kept_ms)
    with database.begin() as connection:
        return connection.execute(statement).rowcount
