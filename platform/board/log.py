"""The board itself: append entries, read them, prove that they are there (decision D-5).

Appending locks the one row of `board_head`, which holds the tree's right edge, until the appender's transaction ends:
the sequence has no gap even when transactions are rolled back, and an entry costs the same whatever the board's size.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from countermark.platform.board import tree
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, Row, func, select, update, upsert
from countermark.protocol import merkle
from countermark.protocol.accounts import AccountKey
from countermark.protocol.entries import Entry
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.merkle import Frontier
from countermark.protocol.notices import SignedNotice
from countermark.protocol.receipts import sign_receipt

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the board as it is in the table, trusted or not.

    ``entry`` is None where the sealed body cannot be opened; ``seq`` to ``receipt`` are the row's own columns.
    """

    seq: int
    entry: Entry | None
    leaf_hash: bytes
    anchored_by_ms: int
    receipt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """Size and root of the board's tree."""

    size: int
    root: bytes


class Board:
    """The send-receive board of one platform. All methods run in the caller's transaction."""

    def __init__(self, *, box: SecretBox, key: AccountKey, market: str, anchored_within_ms: int) -> None:
        """Create a board whose receipts ``key`` signs; they promise an anchor within ``anchored_within_ms``."""
        self._box = box
        self._key = key
        self._market = market
        self._anchored_within_ms = anchored_within_ms

    def append(self, connection: Connection, notice: SignedNotice, *, received_at_ms: int) -> str:
        """Put ``notice`` on the board and return its receipt; the same notice again has the same receipt."""
        size, frontier = self._lock(connection)
        entry = Entry.of(notice, seq=size, received_at_ms=received_at_ms)
        earlier = self._find(connection, entry.trade, entry.signer, entry.digest)
        if earlier is not None:
            return str(earlier.receipt)
        leaf = entry.leaf_hash()
        anchored_by_ms = received_at_ms + self._anchored_within_ms
        receipt = sign_receipt(self._key, entry.receipt(anchored_by_ms=anchored_by_ms), market=self._market)
        frontier.append(leaf)
        connection.execute(
            tables.board.insert().values(
                seq=size,
                kind=entry.kind,
                trade=entry.trade,
                signer=entry.signer,
                digest=entry.digest,
                leaf_hash=leaf,
                body=self._box.seal(notice.token.encode(), context=_context(size)),
                received_at_ms=received_at_ms,
                anchored_by_ms=anchored_by_ms,
                receipt=receipt,
            )
        )
        connection.execute(update(tables.board_head).values(size=frontier.size, frontier=frontier.to_bytes()))
        return receipt

    def count(self, connection: Connection, trade: str, signer: str, *, since_ms: int) -> int:
        """Return how many entries of ``signer`` about ``trade`` came in after ``since_ms``."""
        board = tables.board
        query = select(func.count()).where(
            board.c.trade == trade, board.c.signer == signer, board.c.received_at_ms > since_ms
        )
        return int(connection.execute(query).scalar_one())

    def head(self, connection: Connection) -> Head:
        """Return size and root of the tree as it is now."""
        row = connection.execute(select(tables.board_head)).one_or_none()
        frontier = Frontier() if row is None else Frontier.from_bytes(row.frontier)
        return Head(frontier.size, frontier.root())

    def claimed_head(self, connection: Connection) -> Head:
        """Return size and root as the table has them, trusted or not; no root where the tree cannot be read."""
        row = connection.execute(select(tables.board_head)).one_or_none()
        if row is None:
            return Head(0, merkle.EMPTY_ROOT)
        try:
            frontier = Frontier.from_bytes(row.frontier)
        except MarketError:
            return Head(row.size, b"")
        return Head(row.size, frontier.root() if frontier.size == row.size else b"")

    def find(self, connection: Connection, *, trade: str, digest: str) -> Entry | None:
        """Return the entry of the notice with ``digest`` in ``trade``, None when it is not on the board.

        Raises:
            MarketError: INTERNAL when the row cannot be opened: the table was tampered with.
        """
        board = tables.board
        row = connection.execute(select(board).where(board.c.trade == trade, board.c.digest == digest)).one_or_none()
        if row is None:
            return None
        entry = self._stored(row).entry
        if entry is None:
            raise MarketError(ErrorCode.INTERNAL, f"board entry {row.seq} cannot be opened")
        return entry

    def read(self, connection: Connection, *, start: int = 0, stop: int | None = None) -> Iterator[Stored]:
        """Yield the rows ``start`` up to ``stop`` (exclusive, default the end) in order, a few at a time."""
        board = tables.board
        while stop is None or start < stop:
            query = select(board).where(board.c.seq >= start).order_by(board.c.seq).limit(_BATCH)
            if stop is not None:
                query = query.where(board.c.seq < stop)
            rows = connection.execute(query).all()
            yield from map(self._stored, rows)
            if len(rows) < _BATCH:
                return
            start = rows[-1].seq + 1

    def inclusion_proof(self, connection: Connection, seq: int, *, size: int) -> list[bytes]:
        """Return the audit path of entry ``seq`` in the tree of the first ``size`` entries (RFC 6962 section 2.1.1).

        Raises:
            MarketError: NOT_FOUND when that tree has no such leaf, or the board has fewer entries.
        """
        return tree.inclusion_proof(connection, seq, size)

    def consistency_proof(self, connection: Connection, first: int, second: int) -> list[bytes]:
        """Return the proof that the tree of ``first`` entries is a prefix of that of ``second`` (section 2.1.2).

        Raises:
            MarketError: NOT_FOUND when the board never had these sizes.
        """
        return tree.consistency_proof(connection, first, second)

    def root_at(self, connection: Connection, size: int) -> bytes:
        """Return the root over the first ``size`` entries.

        Raises:
            MarketError: NOT_FOUND when there are fewer.
        """
        return tree.root_at(connection, size)

    def extend_tree(self, connection: Connection, size: int) -> None:
        """Store the inner nodes of the tree of the first ``size`` entries, from which proofs are quick.

        Raises:
            MarketError: NOT_FOUND when there are fewer entries.
        """
        tree.extend(connection, size)

    def renew_tree(self, connection: Connection) -> None:
        """Make all stored inner nodes again from the entries."""
        tree.renew(connection, self.head(connection).size)

    def _lock(self, connection: Connection) -> tuple[int, Frontier]:
        head = tables.board_head
        empty = upsert(head).values(id=1, size=0, frontier=Frontier().to_bytes()).on_conflict_do_nothing()
        connection.execute(empty)
        row = connection.execute(select(head).with_for_update()).one()
        return row.size, Frontier.from_bytes(row.frontier)

    def _find(self, connection: Connection, trade: str, signer: str, digest: str) -> Row[tuple[str]] | None:
        board = tables.board
        query = select(board.c.receipt).where(
            board.c.trade == trade, board.c.signer == signer, board.c.digest == digest
        )
        return connection.execute(query).one_or_none()

    def _stored(self, row: Row[tuple[object, ...]]) -> Stored:
        try:
            token = self._box.open(row.body, context=_context(row.seq)).decode()
        except (MarketError, UnicodeDecodeError):
            entry = None
        else:
            entry = Entry(row.seq, row.kind, row.trade, row.signer, row.digest, row.received_at_ms, token)
        return Stored(row.seq, entry, bytes(row.leaf_hash), row.anchored_by_ms, row.receipt)


def _context(seq: int) -> str:
    return f"board/{seq}"
