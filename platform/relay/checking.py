"""Compare what the seller says he sent with what the buyer says he received (step (22))."""

from collections.abc import Iterable
from typing import ClassVar

from countermark.platform.board.log import Board
from countermark.platform.jobs.acts import Acting
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.trades import TradeView, trades_in
from countermark.protocol.entries import Entry
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.notices import Notice, parse_notice
from countermark.protocol.transitions import TradeState


def consistent(seller: Notice, buyer: Notice) -> bool:
    """Return whether two notices of one trade say the same: both fingerprints of one generator, hence equal (A-18).

    Similar is not enough: generators are deterministic, and who received an altered copy says so himself.
    """
    return seller.fingerprint_root == buyer.fingerprint_root and buyer.verdict == "match"


class CheckJob(LeasedJob[TradeView]):
    """Submits `trade.check` for trades in RECEIVED."""

    name: ClassVar[str] = "check"

    def __init__(self, acting: Acting, board: Board) -> None:
        super().__init__(acting.database)
        self._acting = acting
        self._board = board

    def find(self) -> Iterable[TradeView]:
        """Return the trades in RECEIVED."""
        with self.database.autocommit() as connection:
            return list(trades_in(connection, TradeState.RECEIVED))

    def handle(self, item: TradeView) -> bool:
        """Submit the result of the comparison.

        Raises:
            MarketError: NOT_FOUND when a notice that the ledger names is not on this board: `trade.enforce` then
                lets the buyer's word count, and the comparison of payments and transmissions reports it.
        """
        with self.database.autocommit() as connection:
            seller = self._board.find(connection, trade=item.id, digest=item.seller_notice)
            buyer = self._board.find(connection, trade=item.id, digest=item.buyer_notice)
        result = "match" if consistent(self._notice(seller), self._notice(buyer)) else "mismatch"
        return self._acting.sign("trade.check", {"trade": item.id, "result": result})

    def describe(self, item: TradeView) -> str:
        """Return the trade's id."""
        return item.id

    def trade(self, item: TradeView) -> str:
        """Return the trade's id."""
        return item.id

    def _notice(self, entry: Entry | None) -> Notice:
        if entry is None:
            raise MarketError(ErrorCode.NOT_FOUND, "a notice named on the ledger is not on the board")
        acting = self._acting
        return parse_notice(entry.token, market=acting.market, platform=acting.key.address).notice
