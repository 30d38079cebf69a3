"""Locks that last longer than a transaction, over all processes, and end with the process that holds them.

PostgreSQL's advisory locks of a session. Who holds one does whatever must not happen without it on the connection
that holds it: where the connection is lost the lock is, and the work fails with it. So a process that was held up,
and has lost its lock without having noticed, changes nothing any more.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.errors import LockNotAvailable
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError

from countermark.platform.store.engine import Database
from countermark.protocol.errors import ErrorCode, MarketError

_VANISHED_S = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
"""So that the server frees the locks of a machine that has vanished after a minute, and not after two hours."""


@contextmanager
def holding(database: Database, name: str, *, wait_s: float) -> Iterator[Connection]:
    """Hold the lock `name`, and give the connection that holds it; wait up to `wait_s` for whoever has it.

    Raises:
        MarketError: STORE_UNAVAILABLE when he keeps it longer, DATABASE_UNAVAILABLE.
    """
    with database.session() as connection:
        with connection.begin():
            for setting, value in _VANISHED_S.items():
                connection.execute(select(func.set_config(setting, value, False)))  # for the session
            connection.execute(select(func.set_config("lock_timeout", f"{round(wait_s * 1000)}ms", True)))  # for this
            try:
                connection.execute(select(func.pg_advisory_lock(func.hashtextextended(name, 0))))
            except OperationalError as error:
                if isinstance(error.orig, LockNotAvailable):
                    raise MarketError(ErrorCode.STORE_UNAVAILABLE, "somebody else is at work on it") from error
                raise
        yield connection
