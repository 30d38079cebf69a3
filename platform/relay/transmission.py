"""Complete the relay: certify on the ledger that package and notice are here (steps (15) and (17))."""

from collections.abc import Iterable
from typing import ClassVar

from countermark.platform.board.log import Board
from countermark.platform.jobs.acts import Acting
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.relay.packages import lock_package
from countermark.platform.relay.upload import PackageUpload
from countermark.platform.trades import TradeView, trades_in
from countermark.protocol import times
from countermark.protocol.transitions import TradeState


class RelayJob(LeasedJob[TradeView]):
    """Submits `trade.relay` for trades whose committed package is complete and whose seller's notice is on the board.

    Until it commits the buyer gets nothing, and his clock does not run.
    """

    name: ClassVar[str] = "relay"

    def __init__(self, acting: Acting, board: Board, upload: PackageUpload) -> None:
        super().__init__(acting.database)
        self._acting = acting
        self._board = board
        self._upload = upload

    def find(self) -> Iterable[TradeView]:
        """Return the trades in UPLOADED."""
        with self.database.autocommit() as connection:
            return list(trades_in(connection, TradeState.UPLOADED))

    def handle(self, item: TradeView) -> bool:
        """Submit the relay receipt, or do nothing while something is missing.

        Raises:
            MarketError: PACKAGE_ROOT_MISMATCH and the like when an upload that was left unfinished turns out bad.
        """
        # A process may have died between the last byte and the end of the upload.
        self._upload.resume(item.id)
        with self.database.begin() as connection:
            # Locked: an upload that was about to begin anew, because it had not seen the commitment, comes before
            # this look or finds the commitment. So what is certified here stays.
            row = lock_package(connection, item.id)
            noticed = self._board.find(connection, trade=item.id, digest=item.seller_notice) is not None
        if row is None or row.state != "COMPLETE" or row.root != item.package_root or not noticed:
            return False
        return self._acting.sign(
            "trade.relay",
            {"trade": item.id, "package_root": row.root, "completed_at": times.to_text(row.completed_ms)},
        )

    def describe(self, item: TradeView) -> str:
        """Return the trade's id."""
        return item.id

    def trade(self, item: TradeView) -> str:
        """Return the trade's id."""
        return item.id
