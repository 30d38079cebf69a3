"""One digest over all ledger-derived columns: equal on every replica that has applied the same blocks."""

import hashlib
import json
from collections.abc import Iterable

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Table, select

_ROWS = 1000


def ledger_digest(connection: Connection) -> str:
    """Return "sha256:…" over the ledger-derived columns of every table, row by row in the order of their keys."""
    contracts = tables.data_contracts
    digest = hashlib.sha256()
    for table in tables.LEDGER_TABLES:
        _add(digest, connection, table, table.columns.keys())
    _add(digest, connection, contracts, ("address", *tables.CONTRACT_LEDGER_COLUMNS))
    return f"sha256:{digest.hexdigest()}"


def _add(digest: "hashlib._Hash", connection: Connection, table: Table, columns: Iterable[str]) -> None:
    names = tuple(columns)
    query = select(*(table.c[name] for name in names)).order_by(*table.primary_key.columns)
    if table is tables.data_contracts:
        query = query.where(table.c.state.is_not(None))  # the others are not on the ledger yet
    digest.update(_encode([table.name, *names]))
    for row in connection.execute(query.execution_options(yield_per=_ROWS)):
        digest.update(_encode([value.hex() if isinstance(value, bytes) else value for value in row]))


def _encode(values: list[object]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode() + b"\n"
