"""What a deadline brings: anybody may enforce the default of any state, again and again without harm."""

from typing import Any

from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.contracts.trade import advance
from countermark.chaincode.entities import read_trade
from countermark.chaincode.records.trade import Trade
from countermark.protocol import times
from countermark.protocol.transitions import Actor, TradeState


async def enforce(tx: Transaction, trade_id: str) -> Answer:
    """Apply the default of the trade's state once its deadline and the guard have passed.

    A trade that has ended stays as it is; one whose deadline is not due yet is refused, so that two enforcers of
    one deadline never take two steps.

    Raises:
        MarketError: UNKNOWN_TRADE; NOT_DUE.
    """
    trade = await read_trade(tx, trade_id)
    default = trade.default
    if default is None:
        return advance.answer(trade)
    tx.check_due(trade.deadline_ms, trade.terms.guard_s)
    target = default.target or _undecided(trade)
    decider = trade.decider if target.final else None
    changes: dict[str, Any] = {}
    if target is TradeState.EVIDENCED:
        decider = Actor.SUBSTITUTE
    elif target is TradeState.DISPUTED:
        changes["dispute"] = {"at": times.to_text(tx.now_ms), "by": "deadline", "reason": "mismatch"}
    return await advance.finish(tx, trade, target, default.outcome, decider=decider, **changes)


def _undecided(trade: Trade) -> TradeState:
    return TradeState.SETTLED if trade.terms.undecided == "settle" else TradeState.REFUNDED
