"""What is due: everything on the ledger whose deadline and guard have passed, with the function that enforces it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import Column, ColumnElement, Connection, Table, select


@dataclass(frozen=True, slots=True)
class Due:
    """A call that anybody may make now: ``function`` on ``subject``, in force since ``since_ms``."""

    function: str
    subject: str
    since_ms: int


def find_due(connection: Connection, now_ms: int) -> list[Due]:
    """Return what is due at ``now_ms``, the longest overdue first (enforce-after: deadline + guard, A-25)."""
    trades, contracts, redemptions = tables.trades, tables.data_contracts, tables.redemptions
    claims = tables.claims
    found = [
        *_overdue(connection, "trade.enforce", trades, trades.c.id, now_ms),
        *_overdue(connection, "listing.enforce", contracts, contracts.c.address, now_ms),
        *_overdue(connection, "coin.enforce", redemptions, redemptions.c.id, now_ms),
        *_overdue(connection, "claim.enforce", claims, claims.c.id, now_ms),
    ]
    return sorted(found, key=lambda due: due.since_ms)


def enforceable_ms(table: Table) -> ColumnElement[int]:
    """Return the SQL expression of when the deadline of a row of ``table`` can be enforced, ms since the epoch."""
    # Each record carries the guard that held when it was made.
    guard_ms = table.c.record["guard"].as_integer() * 1000
    enforceable: ColumnElement[int] = table.c.deadline_ms + guard_ms
    return enforceable


def _overdue(connection: Connection, function: str, table: Table, key: Column[Any], now_ms: int) -> Iterator[Due]:
    since = enforceable_ms(table)
    query = select(key.label("subject"), since.label("since_ms")).where(
        table.c.deadline_ms <= now_ms,  # what the index of what is due can answer
        since <= now_ms,
    )
    for row in connection.execute(query):
        yield Due(function, row.subject, row.since_ms)
