"""Disputes: raised by buyer or platform; the buyer opens the package to the arbiter, off the ledger; he decides."""

from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.contracts.trade import advance
from countermark.chaincode.contracts.trade.delivery import committed_package
from countermark.chaincode.entities import read_trade
from countermark.protocol import times
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import Actor, argument_of


async def dispute(tx: Transaction) -> Answer:
    """Stop the trade's other timers and ask for a decision; needs no further deposit.

    Raises:
        MarketError: a code of `advance.begin`.
    """
    reason = tx.params["reason"]
    trade, act = await advance.begin(tx, reason)
    record = {"at": times.to_text(tx.now_ms), "by": str(act.actor), "reason": reason}
    return await advance.finish(tx, trade, act.target, dispute=record)


async def open_package(tx: Transaction) -> Answer:
    """Record the digests of two openings of the one-time key, sealed to arbiter and substitute.

    Raises:
        MarketError: a code of `advance.begin`.
    """
    trade, act = await advance.begin(tx)
    openings = {"arbiter": tx.params["opening"], "substitute": tx.params["substitute_opening"]}
    return await advance.finish(tx, trade, act.target, decider=Actor.ARBITER, openings=openings)


async def remedy(tx: Transaction) -> Answer:
    """Commit to a second package, which the buyer may accept as long as nobody has decided; once in a dispute.

    Raises:
        MarketError: a code of `advance.begin`; WRONG_STATE for a second one; TOO_LARGE.
    """
    trade, act = await advance.begin(tx)
    if trade.remedy is not None:
        raise MarketError(ErrorCode.WRONG_STATE, "the seller has sent a remedy before")
    package = {**committed_package(tx), "notice": tx.params["notice"], "relayed_at": ""}
    return await advance.finish(tx, trade, act.target, decider=trade.decider, remedy=package)


async def decide(tx: Transaction) -> Answer:
    """End the dispute as the arbiter, or after his time his substitute, has found; the loser's bond pays him.

    Raises:
        MarketError: a code of `advance.begin`.
    """
    trade = await read_trade(tx, tx.params["trade"])
    found = tx.params["decision"]
    act = advance.arrow(tx, trade, argument_of(found, trade.dispute["reason"] if trade.dispute else ""))
    record = {"at": times.to_text(tx.now_ms), "by": tx.signer, "decision": found, "reasons": tx.params["reasons"]}
    return await advance.finish(tx, trade, act.target, act.outcome, decider=trade.decider, decision=record)
