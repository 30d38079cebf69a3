"""Complete the relay: certify on the ledger that package and notice are here (steps (15) and (17))."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from countermark.platform.board.log import Board
from countermark.platform.jobs.acts import Acting
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.relay.packages import lock_package
from countermark.platform.relay.upload import PackageUpload
from countermark.platform.trades import Committed, Delivery, TradeView, trades_in
from countermark.protocol import times
from countermark.protocol.transitions import TradeState

_WAITING = {TradeState.UPLOADED: Delivery.FIRST, TradeState.EVIDENCED: Delivery.REMEDY}
"""Which package a trade in each of these states may wait for."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A package that its seller has committed to and that was not relayed yet."""

    trade: str
    delivery: Delivery
    committed: Committed


class RelayJob(LeasedJob[Awaited]):
    """Submits `trade.relay` for packages that are complete as committed and whose seller's notice is on the board.

    Until it commits the buyer gets nothing, and his clock does not run.
    """

    name: ClassVar[str] = "relay"

    def __init__(self, acting: Acting, board: Board, upload: PackageUpload) -> None:
        super().__init__(acting.database)
        self._acting = acting
        self._board = board
        self._upload = upload

    def find(self) -> Iterable[Awaited]:
        """Return what trades in UPLOADED wait for, and disputes whose seller has committed to a remedy."""
        with self.database.autocommit() as connection:
            awaited = map(_awaited, trades_in(connection, *_WAITING))
            return [one for one in awaited if one.committed.root and one.committed.relayed_at_ms is None]

    def handle(self, item: Awaited) -> bool:
        """Submit the relay receipt, or do nothing while something is missing.

        Raises:
            MarketError: PACKAGE_ROOT_MISMATCH and the like when an upload that was left unfinished turns out bad.
        """
        # A process may have died between the last byte and the end of the upload.
        self._upload.resume(item.trade, item.delivery)
        with self.database.begin() as connection:
            # Locked: an upload that was about to begin anew, because it had not seen the commitment, comes before
            # this look or finds the commitment. So what is certified here stays.
            row = lock_package(connection, item.trade, item.delivery)
            entry = self._board.find(connection, trade=item.trade, digest=item.committed.notice)
        if row is None or row.state != "COMPLETE" or row.root != item.committed.root or entry is None:
            return False
        return self._acting.sign(
            "trade.relay",
            {"trade": item.trade, "package_root": row.root, "completed_at": times.to_text(row.completed_ms)},
        )

    def describe(self, item: Awaited) -> str:
        """Return the trade's id, and which package it waits for."""
        return f"{item.trade} {item.delivery}"

    def trade(self, item: Awaited) -> str:
        """Return the trade's id."""
        return item.trade


def _awaited(view: TradeView) -> Awaited:
    delivery = _WAITING[view.state]
    return Awaited(view.id, delivery, view.committed(delivery))
