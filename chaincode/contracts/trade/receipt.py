"""After delivery: the buyer acknowledges, the platform compares the notices, the buyer pays (steps (18) to (24))."""

from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.contracts.trade import advance
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import Outcome


async def ack(tx: Transaction) -> Answer:
    """Record the digest of the buyer's notice and whether what he received matches.

    Raises:
        MarketError: a code of `advance.begin`.
    """
    verdict = tx.params["verdict"]
    trade, act = await advance.begin(tx, verdict)
    return await advance.finish(tx, trade, act.target, buyer_notice=tx.params["notice"], verdict=verdict)


async def check(tx: Transaction) -> Answer:
    """Record whether the two notices are consistent, as the platform read them (step (22)).

    Raises:
        MarketError: a code of `advance.begin`.
    """
    trade, act = await advance.begin(tx, tx.params["result"])
    return await advance.finish(tx, trade, act.target)


async def confirm(tx: Transaction) -> Answer:
    """Release the price: to the seller, the fee to the platform, the contract to the buyer, both bonds back.

    Raises:
        MarketError: a code of `advance.begin`.
    """
    trade, act = await advance.begin(tx)
    return await advance.finish(tx, trade, act.target, act.outcome)


async def accept(tx: Transaction) -> Answer:
    """Take an altered copy, or what the seller has sent as a remedy, for the price all the same.

    Raises:
        MarketError: a code of `advance.begin`; WRONG_STATE where no remedy was relayed.
    """
    trade, act = await advance.begin(tx)
    if act.outcome is Outcome.REMEDIED and not (trade.remedy and trade.remedy["relayed_at"]):
        raise MarketError(ErrorCode.WRONG_STATE, "the seller has not made good")
    return await advance.finish(tx, trade, act.target, act.outcome, decider=trade.decider)
