"""Disputes: opened by buyer or platform, then the buyer opens the package to the arbiter, off the ledger."""

from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.contracts.trade import advance
from countermark.protocol import times
from countermark.protocol.transitions import Actor


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
