"""The board's entries without their notices: what a party may see of its own, and the supervisor of all."""

import logging
from dataclasses import dataclass, field
from typing import Any

from countermark.platform.board.log import Board
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Row, select
from countermark.platform.views import cursors
from countermark.protocol import fields, merkle, times
from countermark.protocol.encoding import as_digest, undigest
from countermark.protocol.errors import ErrorCode, MarketError

_log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class ProofView:
    """An entry's place in a tree that stands on the ledger, and the path that shows it."""

    entry: BoardEntry
    anchor: AnchorView
    path: tuple[bytes, ...] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is shown."""
        return {
            "seq": self.entry.seq,
            "leaf": as_digest(self.entry.leaf_hash),
            "size": self.anchor.size,
            "root": self.anchor.root,
            "path": [as_digest(step) for step in self.path],
            "anchor": {"txid": self.anchor.tx_id, "at": times.to_text(self.anchor.at_ms)},
        }


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


def prove_entry(
    connection: Connection, board: Board, seq: int, *, signer: str = "", first: bool = False
) -> ProofView:
    """Return the proof that the entry `seq`, of `signer` if one is named, is in the last anchored tree, or the first.

    Raises:
        MarketError: NOT_FOUND; INTERNAL when the board is damaged: nobody is handed a proof that does not hold, which
            would make a forger of the platform.
    """
    entry = load_entry(connection, seq, signer=signer)
    anchor = anchor_over(connection, seq, first=first)
    path = board.inclusion_proof(connection, seq, size=anchor.size)
    try:
        merkle.verify_inclusion(entry.leaf_hash, seq, anchor.size, undigest(anchor.root), path)
    except MarketError as error:
        _log.error("entry %d of the board is not in the tree that was anchored at %d", seq, anchor.size)
        raise MarketError(ErrorCode.INTERNAL, "the board is damaged: its operator reconciles it") from error
    return ProofView(entry, anchor, tuple(path))


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
