"""The rows of a trade's packages: which object holds each, and how far it has come."""

from collections.abc import Sequence
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Row, func, select
from countermark.platform.trades import Delivery

WHOLE = ("COMPLETE", "RELEASED")
"""States in which all bytes are here and measured."""


def folder(trade: str) -> str:
    """Return what the names of all objects of the trade's packages begin with."""
    return f"packages/{trade}"


def find_package(connection: Connection, trade: str, delivery: Delivery = Delivery.FIRST) -> Row[Any] | None:
    """Return the row as it is now."""
    packages = tables.packages
    query = select(packages).where(packages.c.trade == trade, packages.c.delivery == delivery)
    return connection.execute(query).one_or_none()


def lock_packages(connection: Connection, trade: str) -> Sequence[Row[Any]]:
    """Return the rows of ``trade``, which nobody else changes, or adds to, before the caller's transaction has ended.

    What the trade says is to be read after this: a commitment that is not seen then did not exist when whoever had
    the rows before us decided.
    """
    # Where there is no row yet, there is nothing else to lock.
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"packages/{trade}", 0))))
    packages = tables.packages
    return connection.execute(select(packages).where(packages.c.trade == trade).with_for_update()).all()


def lock_package(connection: Connection, trade: str, delivery: Delivery = Delivery.FIRST) -> Row[Any] | None:
    """Return the row of one package, locked as `lock_packages` does."""
    return next((row for row in lock_packages(connection, trade) if row.delivery == delivery), None)


def is_same(row: Row[Any]) -> Any:
    """Return the condition that the row is still about the same object: an older upload never touches a newer one."""
    packages = tables.packages
    own = (packages.c.trade == row.trade) & (packages.c.delivery == row.delivery)
    return own & (packages.c.object_name == row.object_name)
