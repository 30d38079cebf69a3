"""From payment to delivery: the seller accepts and sends, the platform relays (steps (12) to (16))."""

from typing import Any

from countermark.chaincode import purse
from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.contracts.trade import advance
from countermark.protocol import times
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import MAX_AHEAD_MS
from countermark.protocol.settlement import Part
from countermark.protocol.transitions import TradeState


async def charge(tx: Transaction) -> Answer:
    """Pay the transaction fee and the seller's bond into escrow; this is his acceptance even when both are zero.

    Raises:
        MarketError: a code of `advance.begin`; WRONG_AMOUNT; a code of `purse.take`.
    """
    trade, act = await advance.begin(tx)
    terms = trade.terms
    if (int(tx.params["fee"]), int(tx.params["bond"])) != (terms.fee, terms.bond):
        raise MarketError(ErrorCode.WRONG_AMOUNT, f"the fee is {terms.fee}, the bond {terms.bond}")
    payment = await purse.take(tx, terms.fee + terms.bond)
    paid = advance.hold(tx, terms.id, {Part.FEE: terms.fee, Part.SELLER_BOND: terms.bond})
    purse.settle_payment(tx, payment)
    return await advance.finish(tx, trade, act.target, escrow=(*trade.escrow, *paid))


async def cancel(tx: Transaction) -> Answer:
    """End the trade before sending; free before `trade.charge`, at the price of the seller's bond after it.

    Raises:
        MarketError: a code of `advance.begin`.
    """
    trade, act = await advance.begin(tx)
    return await advance.finish(tx, trade, act.target, act.outcome)


async def send(tx: Transaction) -> Answer:
    """Commit to the whole package and to the seller's notice; the bytes go to the platform's relay.

    Raises:
        MarketError: a code of `advance.begin`; TOO_LARGE.
    """
    trade, act = await advance.begin(tx)
    package = committed_package(tx)
    return await advance.finish(tx, trade, act.target, package=package, seller_notice=tx.params["notice"])


def committed_package(tx: Transaction) -> dict[str, Any]:
    """Return root and size of the package to which the intent commits.

    Raises:
        MarketError: TOO_LARGE.
    """
    size = tx.params["package_size"]
    if size > tx.rules.limits.package_bytes:
        raise MarketError(ErrorCode.TOO_LARGE, f"a package has at most {tx.rules.limits.package_bytes} bytes")
    return {"root": tx.params["package_root"], "size": size}


async def relay(tx: Transaction) -> Answer:
    """Certify that the platform holds the package of that root, complete since ``completed_at``, and the notice.

    While a dispute waits for its decision, it is the remedy's package.

    Raises:
        MarketError: a code of `advance.begin`; PACKAGE_ROOT_MISMATCH; WRONG_STATE for a remedy that was relayed
            before; MALFORMED_INTENT for a time to come.
    """
    trade, act = await advance.begin(tx)
    disputed = trade.state is TradeState.EVIDENCED
    package = trade.remedy if disputed else trade.package
    if package is None or tx.params["package_root"] != package["root"]:
        raise MarketError(ErrorCode.PACKAGE_ROOT_MISMATCH, "the seller has committed to another package")
    completed_at = tx.params["completed_at"]
    if times.from_text(completed_at) > tx.now_ms + MAX_AHEAD_MS:
        raise MarketError(ErrorCode.MALFORMED_INTENT, "completed_at lies in the future")
    if not disputed:
        return await advance.finish(tx, trade, act.target, relayed_at=completed_at)
    if package["relayed_at"]:
        raise MarketError(ErrorCode.WRONG_STATE, "the remedy was relayed before")
    remedy = {**package, "relayed_at": completed_at}
    return await advance.finish(tx, trade, act.target, decider=trade.decider, remedy=remedy)
