"""What of the tables follows from blocks alone: rows of every table, in the order of their keys on every server."""

from collections.abc import Iterator
from typing import Any, Final

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Table, Text, collate, select

DERIVED: Final[tuple[tuple[Table, tuple[str, ...]], ...]] = (
    *((table, tuple(table.columns.keys())) for table in tables.LEDGER_TABLES),
    (tables.data_contracts, ("address", *tables.CONTRACT_LEDGER_COLUMNS)),
)
"""Tables, and the names of their ledger-derived columns, keys among them."""

_ROWS = 1000


def read_rows(connection: Connection, table: Table, names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield those columns of every row that is on the ledger; takes constant memory."""
    # Not by the server's own order of texts, which another server may not have.
    keys = [collate(key, "C") if isinstance(key.type, Text) else key for key in table.primary_key.columns]
    query = select(*(table.c[name] for name in names)).order_by(*keys)
    if table is tables.data_contracts:
        query = query.where(table.c.state.is_not(None))  # the others are not on the ledger yet
    for row in connection.execute(query.execution_options(yield_per=_ROWS)):
        yield tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
