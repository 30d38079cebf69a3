"""Check the whole board as it is in the tables against the anchors that the ledger has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from countermark.platform.board import tree
from countermark.platform.board.log import Board, Head, Stored
from countermark.platform.board.verification import Anchor, Fault, Finding, verify_board
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, select
from countermark.protocol.encoding import undigest
from countermark.protocol.merkle import Frontier, Subtree, node_hash


@dataclass(frozen=True, slots=True)
class BoardReport:
    """How many entries the board has, how many anchors were compared with them, and what is wrong."""

    entries: int
    anchors: int
    findings: tuple[Finding, ...]
    head_fits: bool
    """Whether the tree's right edge, from which appending goes on, is that of the entries."""

    @property
    def holds(self) -> bool:
        """Whether the board is the one that was anchored."""
        return self.head_fits and not self.findings

    @property
    def repairable(self) -> bool:
        """Whether nothing is wrong but stored nodes, which the entries can give again."""
        return bool(self.findings) and {one.fault for one in self.findings} == {Fault.NODE}


def check_board(
    connection: Connection, board: Board, *, market: str, platform: str, anchors: Sequence[Anchor] | None = None
) -> BoardReport:
    """Return what comparing the board with its anchors finds.

    Args:
        connection: a transaction, in which the ledger-derived tables are up to date where no ``anchors`` are given.
        board: the platform's board.
        market: channel/chaincode.
        platform: address of the platform's account.
        anchors: those of the ledger; those of the table if not given.
    """
    if anchors is None:
        anchors = read_anchors(connection)
    edge, nodes = Frontier(), _Nodes(tree.stored(connection))
    misfits: list[Finding] = []

    def rows_noted() -> Iterator[Stored]:
        for row in board.read(connection):
            edge.append(row.leaf_hash)
            misfits.extend(nodes.append(row))
            yield row

    findings = tuple(verify_board(rows_noted(), anchors, market=market, platform=platform))
    findings += (*misfits, *nodes.end())
    # The head's own column gives the next entry its number.
    size = connection.execute(select(tables.board_head.c.size)).scalar_one_or_none() or 0
    fits = size == edge.size and board.head(connection) == Head(edge.size, edge.root())
    return BoardReport(edge.size, len(anchors), findings, fits)


def read_anchors(connection: Connection) -> list[Anchor]:
    """Return the anchors that the table has, trusted or not."""
    rows = connection.execute(select(tables.anchors.c.size, tables.anchors.c.root)).all()
    return [Anchor(row.size, undigest(row.root)) for row in rows]


class _Nodes:
    """The stored nodes, each held against the two under it, in the order in which leaves complete them.

    So what was altered is found where it was, and not again in all that stands above it.
    """

    def __init__(self, stored: Iterator[tuple[Subtree, bytes]]) -> None:
        self._stored = stored
        self._next = next(stored, None)
        self._roots: list[bytes] = []
        """As in `Frontier`, but stored ones where there are any."""
        self._size = 0
        self._broken = False

    def append(self, row: Stored) -> Iterator[Finding]:
        """Yield what is wrong with the nodes that the next leaf completes."""
        if self._broken or row.seq != self._size:
            self._broken = True  # over entries that are gone nothing can be made
            return
        joined, at = row.leaf_hash, Subtree(0, row.seq)
        while at.position & 1:
            joined, at = node_hash(self._roots.pop(), joined), Subtree(at.level + 1, at.position >> 1)
            if self._next is not None and self._next[0] == at:
                made, (_, joined), self._next = joined, self._next, next(self._stored, None)
                if made != joined:
                    yield Finding(Fault.NODE, at.first, at.end - 1)
            elif self._next is not None:
                # Where none over later leaves is stored either, none is missing: the next anchor will store them.
                yield Finding(Fault.NODE, at.first, at.end - 1)
        self._roots.append(joined)
        self._size += 1

    def end(self) -> Iterator[Finding]:
        """Yield what is wrong where nodes stand over entries that are not there."""
        if self._broken or self._next is None:
            return
        last = max(at.end for at, _ in (self._next, *self._stored)) - 1
        yield Finding(Fault.NODE, min(self._size, last), last)
