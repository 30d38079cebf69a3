"""The board's tree as it is stored: leaves in `board`, above them the roots of complete subtrees in `board_nodes`.

A proof looks up some tens of hashes, whatever the board's size. The nodes follow from the leaves: whoever anchors
stores those of what has come in since, and one that is missing is made from its leaves. That they are what the leaves
give, `checking` looks at.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, delete, func, select, text, tuple_
from countermark.protocol import merkle
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.merkle import Frontier, Subtree

_ROWS = 5000

# Columns, not rows: a tenth of the time. Another worker may have stored the same meanwhile.
_STORE: Final = text(
    "INSERT INTO board_nodes (level, position, hash) SELECT * FROM unnest("
    "CAST(:levels AS smallint[]), CAST(:positions AS bigint[]), CAST(:hashes AS bytea[])) ON CONFLICT DO NOTHING"
)

Ranges = list[tuple[int, int]]


def extend(connection: Connection, size: int) -> None:
    """Store the nodes of the tree of the first ``size`` entries that are not stored yet.

    Raises:
        MarketError: NOT_FOUND when the board has fewer entries.
    """
    nodes = tables.board_nodes
    last = connection.execute(select(func.max(nodes.c.position)).where(nodes.c.level == 1)).scalar_one()
    start = 0 if last is None else Subtree(1, last).end
    if start >= size:
        return
    edge = Frontier.of(start, _roots(connection, merkle.subtrees(0, start)))
    made: list[tuple[Subtree, bytes]] = []
    for leaf in _leaves(connection, start, size):
        made += edge.append(leaf)
        if len(made) >= _ROWS:
            _store(connection, made)
            made = []
    _store(connection, made)


def renew(connection: Connection, size: int) -> None:
    """Drop all nodes, and store those of the tree of the first ``size`` entries.

    Raises:
        MarketError: NOT_FOUND when the board has fewer entries.
    """
    connection.execute(delete(tables.board_nodes))
    extend(connection, size)


def inclusion_proof(connection: Connection, seq: int, size: int) -> list[bytes]:
    """Return the audit path of leaf ``seq`` in the tree of the first ``size`` leaves.

    Raises:
        MarketError: NOT_FOUND when that tree has no such leaf, or the board has fewer entries.
    """
    if not 0 <= seq < size:
        raise MarketError(ErrorCode.NOT_FOUND, "the tree has no such entry")
    return _hashes(connection, merkle.inclusion_ranges(seq, size), size)


def consistency_proof(connection: Connection, first: int, second: int) -> list[bytes]:
    """Return the proof that the tree of ``first`` leaves is a prefix of that of ``second``.

    Raises:
        MarketError: NOT_FOUND when the board never had these sizes.
    """
    if not 0 <= first <= second:
        raise MarketError(ErrorCode.NOT_FOUND, "a tree only grows")
    return _hashes(connection, merkle.consistency_ranges(first, second), second)


def root_at(connection: Connection, size: int) -> bytes:
    """Return the root over the first ``size`` leaves.

    Raises:
        MarketError: NOT_FOUND when there are fewer.
    """
    return _hashes(connection, [(0, size)], size)[0] if size else merkle.EMPTY_ROOT


def stored(connection: Connection) -> Iterator[tuple[Subtree, bytes]]:
    """Yield all stored nodes in the order in which the leaves complete them; takes constant memory."""
    nodes = tables.board_nodes
    completed = (nodes.c.position + 1).bitwise_lshift(nodes.c.level)
    query = select(nodes).order_by(completed, nodes.c.level)
    for row in connection.execute(query.execution_options(yield_per=_ROWS)):
        yield Subtree(row.level, row.position), bytes(row.hash)


def _hashes(connection: Connection, ranges: Ranges, size: int) -> list[bytes]:
    """Return the root over each of ``ranges`` of a tree of ``size`` leaves, which must be there."""
    _check_size(connection, size)
    parts = [merkle.subtrees(start, end) for start, end in ranges]
    # All that they are made of by one look, not by one for each.
    roots = iter(_roots(connection, [at for part in parts for at in part]))
    return [merkle.join([next(roots) for _ in part]) for part in parts]


def _check_size(connection: Connection, size: int) -> None:
    there = select(func.count()).where(tables.board.c.seq == size - 1)
    if size and not connection.execute(there).scalar_one():
        raise MarketError(ErrorCode.NOT_FOUND, f"the board has no {size} entries")


def _roots(connection: Connection, wanted: list[Subtree]) -> list[bytes]:
    """Return the roots of the subtrees ``wanted``: as they are stored, else from their leaves."""
    known = _known(connection, wanted)
    return [known[at] if at in known else merkle.root(_leaves(connection, at.first, at.end)) for at in wanted]


def _known(connection: Connection, wanted: Iterable[Subtree]) -> Mapping[Subtree, bytes]:
    board, nodes = tables.board, tables.board_nodes
    leaves = [at.position for at in wanted if not at.level]
    above = [at for at in wanted if at.level]
    known: dict[Subtree, bytes] = {}
    if leaves:
        rows = connection.execute(select(board.c.seq, board.c.leaf_hash).where(board.c.seq.in_(leaves)))
        known |= {Subtree(0, row.seq): bytes(row.leaf_hash) for row in rows}
    if above:
        query = select(nodes).where(tuple_(nodes.c.level, nodes.c.position).in_(above))
        known |= {Subtree(row.level, row.position): bytes(row.hash) for row in connection.execute(query)}
    return known


def _leaves(connection: Connection, start: int, end: int) -> Iterator[bytes]:
    """Yield the hashes of the leaves ``start`` up to ``end``.

    Raises:
        MarketError: NOT_FOUND when some are missing.
    """
    board = tables.board
    query = select(board.c.seq, board.c.leaf_hash).where(board.c.seq >= start, board.c.seq < end)
    expected = start
    for row in connection.execute(query.order_by(board.c.seq).execution_options(yield_per=_ROWS)):
        if row.seq != expected:
            break
        yield bytes(row.leaf_hash)
        expected += 1
    if expected != end:
        raise MarketError(ErrorCode.NOT_FOUND, f"the board has no entry {expected}")


def _store(connection: Connection, made: list[tuple[Subtree, bytes]]) -> None:
    rows = {
        "levels": [at.level for at, _ in made],
        "positions": [at.position for at, _ in made],
        "hashes": [root for _, root in made],
    }
    connection.execute(_STORE, rows)
