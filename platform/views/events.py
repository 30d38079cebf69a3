"""The events of the ledger that an account may see: those that concern it, and those of listings on the market."""

from dataclasses import dataclass
from typing import Any

from countermark.platform.contracts.publication import NEVER_PUBLIC
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, and_, func, or_, select
from countermark.protocol import times

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

    def to_json(self) -> dict[str, str | int]:
        """Return what is told of the event, the same by every way."""
        return {
            "seq": self.seq,
            "tx": self.tx_id,
            "subject": self.subject,
            "state": self.state,
            "function": self.function,
            "time": times.to_text(self.time_ms),
        }


def newest(connection: Connection) -> int:
    """Return the number of the newest event, 0 while there is none."""
    return int(connection.execute(select(func.coalesce(func.max(tables.events.c.seq), 0))).scalar_one())


def after(connection: Connection, seq: int, *, account: str, subject: str = "") -> list[Event]:
    """Return the next events after `seq`, at most `BATCH`, that `account` may see; of `subject` alone if given."""
    table = tables.events
    public = and_(table.c.name.startswith("listing."), table.c.state.not_in(NEVER_PUBLIC))
    conditions: list[Any] = [or_(table.c.parties.contains([account]), public)]
    if subject:
        conditions.append(table.c.subject == subject)
    return _next(connection, seq, conditions, BATCH)


def own_after(connection: Connection, seq: int, *, account: str, most: int) -> list[Event]:
    """Return the next events after `seq`, at most `most`, to which `account` is a party."""
    return _next(connection, seq, [tables.events.c.parties.contains([account])], most)


def _next(connection: Connection, seq: int, conditions: list[Any], most: int) -> list[Event]:
    table = tables.events
    rows = connection.execute(select(table).where(table.c.seq > seq, *conditions).order_by(table.c.seq).limit(most))
    return [Event(row.seq, row.tx_id, row.name, row.subject, row.state, row.time_ms) for row in rows]
