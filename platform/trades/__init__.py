"""Trades as the projection has them: what the platform's own parts need to know of a trade."""

from countermark.platform.trades.states import WrongStateError
from countermark.platform.trades.view import Committed, Delivery, TradeView, load_trade, trades_in

__all__ = ["Committed", "Delivery", "TradeView", "WrongStateError", "load_trade", "trades_in"]
