"""The row of a trade's package: which object holds it, and how far it has come."""

from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Row, func, select

WHOLE = ("COMPLETE", "RELEASED")
"""States in which all bytes are here and measured."""


def folder(trade: str) -> str:
    """Return what the names of all objects of the trade's package begin with."""
    return f"packages/{trade}"


def find_package(connection: Connection, trade: str) -> Row[Any] | None:
    """Return the row as it is now."""
    packages = tables.packages
    return connection.execute(select(packages).where(packages.c.trade == trade)).one_or_none()


def lock_package(connection: Connection, trade: str) -> Row[Any] | None:
    """Return the row, which nobody else changes, or begins, before the caller's transaction has ended.

    What the trade says is to be read after this: a commitment that is not seen then did not exist when whoever had
    the row before us decided.
    """
    # Where there is no row yet, there is nothing else to lock.
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"packages/{trade}", 0))))
    packages = tables.packages
    query = select(packages).where(packages.c.trade == trade).with_for_update()
    return connection.execute(query).one_or_none()


def is_same(row: Row[Any]) -> Any:
    """Return the condition that the row is still about the same object: an older upload never touches a newer one."""
    packages = tables.packages
    return (packages.c.trade == row.trade) & (packages.c.object_name == row.object_name)
