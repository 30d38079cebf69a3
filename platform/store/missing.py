"""Make tables anew that are gone from a database whose other tables are there."""

from collections.abc import Sequence

from sqlalchemy import inspect

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Table


def create_missing(connection: Connection, wanted: Sequence[Table]) -> tuple[str, ...]:
    """Create those of ``wanted`` that are missing, empty, and return their names.

    A migration would not: it knows only how far it has come. That the present schema is the one that all migrations
    make, a test checks.
    """
    present = set(inspect(connection).get_table_names())
    missing = [table for table in wanted if table.name not in present]
    tables.metadata.create_all(connection, tables=missing)
    return tuple(table.name for table in missing)
