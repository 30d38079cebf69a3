"""Check the whole board as it is in the tables against the anchors that the ledger has."""

from collections.abc import Iterator
from dataclasses import dataclass

from countermark.platform.board.log import Board, Head, Stored
from countermark.platform.board.verification import Anchor, Finding, verify_board
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, select
from countermark.protocol.encoding import undigest
from countermark.protocol.merkle import Frontier


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


def check_board(connection: Connection, board: Board, *, market: str, platform: str) -> BoardReport:
    """Return what comparing the board with its anchors finds.

    Args:
        connection: a transaction in which the ledger-derived tables are up to date.
        board: the platform's board.
        market: channel/chaincode.
        platform: address of the platform's account.
    """
    rows = connection.execute(select(tables.anchors.c.size, tables.anchors.c.root)).all()
    anchors = [Anchor(row.size, undigest(row.root)) for row in rows]
    edge = Frontier()

    def rows_noted() -> Iterator[Stored]:
        for row in board.read(connection):
            edge.append(row.leaf_hash)
            yield row

    findings = tuple(verify_board(rows_noted(), anchors, market=market, platform=platform))
    # The head's own column gives the next entry its number.
    size = connection.execute(select(tables.board_head.c.size)).scalar_one_or_none() or 0
    fits = size == edge.size and board.head(connection) == Head(edge.size, edge.root())
    return BoardReport(edge.size, len(anchors), findings, fits)
