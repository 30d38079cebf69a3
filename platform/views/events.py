"""The events of the ledger that an account may see: those that concern it, and those of listings on the market."""

from dataclasses import dataclass
from typing import Any

from countermark.platform.contracts.publication import NEVER_PUBLIC
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, and_, func, or_, select

BATCH = 200
"""Most events read at a time."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `seq` rises from event to event and is the same on every gateway of this market."""

    seq: int
    tx_id: str
    function: str
    subject: str
    state: str
    time_ms: int


def newest(connection: Connection) -> int:
    """Return the number of the newest event, 0 while there is none."""
    return int(connection.execute(select(func.coalesce(func.max(tables.events.c.seq), 0))).scalar_one())


def after(connection: Connection, seq: int, *, account: str, subject: str = "") -> list[Event]:
    """Return the next events after `seq`, at most `BATCH`, that `account` may see; of `subject` alone if given."""
    table = tables.events
    public = and_(table.c.name.startswith("listing."), table.c.state.not_in(NEVER_PUBLIC))
    conditions: list[Any] = [table.c.seq > seq, or_(table.c.parties.contains([account]), public)]
    if subject:
        conditions.append(table.c.subject == subject)
    rows = connection.execute(select(table).where(*conditions).order_by(table.c.seq).limit(BATCH))
    return [Event(row.seq, row.tx_id, row.name, row.subject, row.state, row.time_ms) for row in rows]
