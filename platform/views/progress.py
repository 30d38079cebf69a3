"""How far the projection has come, and what of this gateway's own work is still under way."""

from dataclasses import dataclass

from countermark.platform.store import tables
from countermark.platform.store.outbox.entry import OPEN_STATES
from countermark.platform.store.sql import Connection, func, select

_LAST_BLOCK = select(tables.checkpoint.c.block_number)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that is waiting: transactions of the outbox that have no end yet, entries of the board not anchored."""

    open_transactions: int
    unanchored_entries: int


def height(connection: Connection) -> int:
    """Return how many blocks of the ledger were applied."""
    number = connection.execute(_LAST_BLOCK).scalar_one_or_none()
    return 0 if number is None else int(number) + 1


def backlog(connection: Connection) -> Backlog:
    """Return what is waiting now."""
    outbox, anchors = tables.outbox, tables.anchors
    waiting = select(func.count()).select_from(outbox).where(outbox.c.state.in_(OPEN_STATES))
    size = connection.execute(select(func.coalesce(func.max(tables.board_head.c.size), 0))).scalar_one()
    anchored = connection.execute(select(func.coalesce(func.max(anchors.c.size), 0))).scalar_one()
    return Backlog(int(connection.execute(waiting).scalar_one()), max(int(size) - int(anchored), 0))


def newest_fingerprint(connection: Connection) -> int:
    """Return the number of the last fingerprint registered, 0 while there is none."""
    query = select(func.coalesce(func.max(tables.item_fingerprints.c.seq), 0))
    return int(connection.execute(query).scalar_one())
