"""Anchor the board on the ledger: size and root, proven to extend what was anchored last (A-14, D-5)."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from countermark.platform.board.log import Board
from countermark.platform.jobs.acts import Acting
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, func, select
from countermark.protocol.encoding import as_digest

log = logging.getLogger(__name__)

FUNCTION = "board.anchor"


@dataclass(frozen=True, slots=True)
class Growth:
    """The board has ``size`` entries, of which ``anchored`` stand under an anchor."""

    anchored: int
    size: int


class AnchorJob(LeasedJob[Growth]):
    """Anchors whatever was appended since the last anchor."""

    name: ClassVar[str] = "board-anchor"

    def __init__(self, acting: Acting, board: Board) -> None:
        super().__init__(acting.database)
        self._acting = acting
        self._board = board

    def find(self) -> Iterable[Growth]:
        """Return the growth since the last anchor, if there is any and no anchor is under way."""
        if not self._acting.settled(FUNCTION):
            return []
        with self.database.autocommit() as connection:
            growth = Growth(_anchored(connection), self._board.head(connection).size)
        if growth.size < growth.anchored:
            log.error(
                "the board has %d entries, and %d are anchored: it was rolled back", growth.size, growth.anchored
            )
        return [growth] if growth.size > growth.anchored else []

    def handle(self, item: Growth) -> bool:
        """Submit the anchor."""
        with self.database.begin() as connection:
            self._board.extend_tree(connection, item.size)
            root = self._board.root_at(connection, item.size)
            proof = self._board.consistency_proof(connection, item.anchored, item.size)
        return self._acting.sign(
            FUNCTION,
            {
                "size": item.size,
                "root": as_digest(root),
                "proof": [as_digest(node) for node in proof],
            },
        )

    def describe(self, item: Growth) -> str:
        """Return the size to be anchored."""
        return f"size {item.size}"


def _anchored(connection: Connection) -> int:
    """Return the size of the last anchor that the projection knows."""
    return int(connection.execute(select(func.coalesce(func.max(tables.anchors.c.size), 0))).scalar_one())
