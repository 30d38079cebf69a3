"""One block at a time in a database, and none at all while somebody must not miss one."""

from countermark.platform.store.sql import Connection, func, select

_LOCK = 0x70726F6A656374  # "project"


def lock(connection: Connection) -> None:
    """Keep all others from applying a block until the caller's transaction ends, for he does."""
    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def hold(connection: Connection) -> None:
    """Keep everybody from applying a block until the caller's transaction ends; others may hold it too."""
    connection.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))
