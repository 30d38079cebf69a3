"""The refusal of an act that a trade's state does not allow."""

from countermark.platform.trades.view import TradeView
from countermark.protocol.errors import ErrorCode, MarketError


class WrongStateError(MarketError):
    """WRONG_STATE to a party of the trade, who may know the ``state`` and what is possible for his ``role`` in it."""

    def __init__(self, view: TradeView, account: str, detail: str) -> None:
        """Refuse ``account`` in the state of ``view``.

        Raises:
            MarketError: UNKNOWN_TRADE, to a stranger.
        """
        role = view.role(account)
        super().__init__(ErrorCode.WRONG_STATE, f"{detail} in state {view.state}")
        self.state = view.state
        self.acts = view.next_acts
        self.role = role
