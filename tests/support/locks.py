"""Waiting until somebody waits: the moment at which two transactions meet."""

from collections.abc import Callable

from countermark.platform.store.sql import Connection, text

_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


def await_waiter(connection: Connection, gone: Callable[[], bool]) -> None:
    """Return when another transaction waits for a lock; it must not be `gone` before.

    Each look takes a round trip, so this is no busy loop.
    """
    while not connection.execute(_WAITING).scalar_one():
        assert not gone(), "nobody waited: the two have not met"
