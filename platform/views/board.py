"""The board's entries without their notices: what a party may see of its own, and the supervisor of all."""

from dataclasses import dataclass, field
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Row, select
from countermark.platform.views import cursors
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """An entry; who has the notice recomputes the leaf from it."""

    seq: int
    kind: str
    trade: str
    signer: str
    digest: str
    leaf_hash: bytes
    received_at_ms: int
    anchored_by_ms: int
    receipt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BoardPage:
    """Entries in their order, and the cursor of the next page, "" on the last."""

    entries: tuple[BoardEntry, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class AnchorView:
    """The board's size and root as the ledger has them."""

    size: int
    root: str
    tx_id: str
    at_ms: int


def list_entries(
    connection: Connection, *, signer: str = "", cursor: str = "", limit: int = cursors.LONGEST_PAGE
) -> BoardPage:
    """Return a page of the entries of `signer`, or of all.

    Raises:
        MarketError: MALFORMED_REQUEST for a cursor that cannot be.
    """
    board = tables.board
    query = select(board)
    if signer:
        query = query.where(board.c.signer == signer)
    if cursor:
        (after,) = cursors.decode(cursor, fields.integer(0, 2**53 - 1))
        query = query.where(board.c.seq > after)
    rows = connection.execute(query.order_by(board.c.seq).limit(limit + 1)).all()
    page = tuple(_entry(row) for row in rows[:limit])
    return BoardPage(page, cursors.encode(page[-1].seq) if len(rows) > limit else "")


def load_entry(connection: Connection, seq: int, *, signer: str = "") -> BoardEntry:
    """Return the entry `seq`, of `signer` where one is named.

    Raises:
        MarketError: NOT_FOUND.
    """
    board = tables.board
    query = select(board).where(board.c.seq == seq)
    if signer:
        query = query.where(board.c.signer == signer)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.NOT_FOUND, "the board has no such entry of yours")
    return _entry(row)


def anchor_over(connection: Connection, seq: int, *, first: bool = False) -> AnchorView:
    """Return the last anchor, or the ``first`` one that covers the entry `seq`, if any does.

    Raises:
        MarketError: NOT_FOUND while the entry waits for its anchor.
    """
    size = tables.anchors.c.size
    query = select(tables.anchors).where(size > seq).order_by(size if first else size.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.NOT_FOUND, "the entry waits for its anchor on the ledger")
    return _anchor(row)


def anchor_at(connection: Connection, size: int) -> AnchorView:
    """Return the anchor of the tree of ``size`` entries.

    Raises:
        MarketError: NOT_FOUND when no tree of that size was anchored.
    """
    row = connection.execute(select(tables.anchors).where(tables.anchors.c.size == size)).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.NOT_FOUND, f"no tree of {size} entries stands on the ledger")
    return _anchor(row)


def _anchor(row: Row[Any]) -> AnchorView:
    return AnchorView(row.size, row.root, row.tx_id, row.at_ms)


def _entry(row: Row[Any]) -> BoardEntry:
    return BoardEntry(
        seq=row.seq,
        kind=row.kind,
        trade=row.trade,
        signer=row.signer,
        digest=row.digest,
        leaf_hash=bytes(row.leaf_hash),
        received_at_ms=row.received_at_ms,
        anchored_by_ms=row.anchored_by_ms,
        receipt=row.receipt,
    )
