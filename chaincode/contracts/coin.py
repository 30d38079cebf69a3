"""Money: coins are minted against deposits, transferred, and redeemed with their issuer."""

from dataclasses import replace
from typing import Any

from countermark.chaincode import purse, state
from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.entities import read_account
from countermark.chaincode.records.redemption import Redemption, RedemptionState
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import Issuer

__all__ = ["burn", "enforce", "mint", "redeem", "transfer"]


async def mint(tx: Transaction) -> Answer:
    """Make a coin for a depositor, of at most the issuer's cap; each deposit reference of an issuer counts once.

    The cap bounds one mint. Nothing here bounds what an issuer mints in all: that is for whoever audits his deposits.

    Raises:
        MarketError: NOT_PERMITTED, WRONG_ACTOR; ISSUER_CAP; DEPOSIT_USED; UNKNOWN_ACCOUNT.
    """
    msp_id = tx.stub.creator_mspid
    issuer = _issuer(tx, msp_id)
    to, amount, reference = tx.params["to"], int(tx.params["amount"]), tx.params["reference"]
    if amount > issuer.cap:
        raise MarketError(ErrorCode.ISSUER_CAP, "the amount is above the issuer's cap for one mint")
    key = state.deposit(msp_id, reference)
    if await tx.find(key) is not None:
        raise MarketError(ErrorCode.DEPOSIT_USED, "coins have been minted against this deposit")
    await read_account(tx, to)
    coin_id = purse.make(tx, to, amount)
    tx.put(key, {"amount": str(amount), "to": to, "tx": tx.tx_id})
    return Answer(coin_id, "MINTED", (to,), {"amount": str(amount)})


async def transfer(tx: Transaction) -> Answer:
    """Pay ``amount`` out of the attached coins to an opened account.

    Raises:
        MarketError: UNKNOWN_ACCOUNT or a code of `purse.take`.
    """
    to, amount = tx.params["to"], int(tx.params["amount"])
    payment = await purse.take(tx, amount)
    await read_account(tx, to)
    coin_id = purse.make(tx, to, amount)
    purse.settle_payment(tx, payment)
    return Answer(coin_id, "TRANSFERRED", tuple(sorted({tx.signer, to})), {"amount": str(amount)})


async def redeem(tx: Transaction) -> Answer:
    """Lock ``amount`` out of the attached coins for an issuer to burn; it comes back at the deadline.

    Raises:
        MarketError: NOT_FOUND for an unknown issuer, or a code of `purse.take`.
    """
    issuer, amount = tx.params["issuer"], int(tx.params["amount"])
    if issuer not in tx.rules.issuers:
        raise MarketError(ErrorCode.NOT_FOUND, "the market has no such issuer")
    payment = await purse.take(tx, amount)
    coin_id = purse.make(tx, f"redemption/{tx.tx_id}", amount)
    purse.settle_payment(tx, payment)
    redemption = Redemption(
        id=tx.tx_id,
        owner=tx.signer,
        issuer=issuer,
        amount=amount,
        coin=coin_id,
        deadline_ms=tx.after(tx.rules.redeem_s),
        guard_s=tx.rules.guard_s,
    )
    tx.put(state.redemption(redemption.id), redemption.to_json())
    return _answer(tx, redemption)


async def burn(tx: Transaction) -> Answer:
    """Destroy a locked coin, as the issuer to whom it was locked, who owes its owner the deposit.

    Raises:
        MarketError: NOT_FOUND; NOT_PERMITTED, WRONG_ACTOR; WRONG_STATE; DEADLINE_PASSED.
    """
    redemption = await _redemption(tx, tx.params["redemption"])
    tx.require_organisation(redemption.issuer)
    _issuer(tx, redemption.issuer)
    if redemption.state is not RedemptionState.LOCKED:
        raise MarketError(ErrorCode.WRONG_STATE, f"the redemption is {redemption.state}")
    tx.check_before(redemption.deadline_ms)
    purse.spend(tx, [redemption.coin])
    return _close(tx, redemption, RedemptionState.BURNT)


async def enforce(tx: Transaction, redemption_id: str) -> Answer:
    """Give a locked coin back to its owner after the deadline; anyone may, and again without effect.

    Raises:
        MarketError: NOT_FOUND; NOT_DUE.
    """
    redemption = await _redemption(tx, redemption_id)
    if redemption.state is not RedemptionState.LOCKED:
        return _answer(tx, redemption)
    tx.check_due(redemption.deadline_ms, redemption.guard_s)
    purse.spend(tx, [redemption.coin])
    returned = purse.make(tx, redemption.owner, redemption.amount)
    return _close(tx, redemption, RedemptionState.RETURNED, coin=returned)


def _issuer(tx: Transaction, msp_id: str) -> Issuer:
    issuer = tx.rules.issuers.get(msp_id)
    if issuer is None:
        raise MarketError(ErrorCode.NOT_PERMITTED, "this organisation issues no coins")
    if tx.signer != issuer.account:
        raise MarketError(ErrorCode.WRONG_ACTOR, "only the issuer's account may do this")
    return issuer


async def _redemption(tx: Transaction, redemption_id: str) -> Redemption:
    if not Redemption.is_id(redemption_id):
        raise MarketError(ErrorCode.NOT_FOUND, "no redemption has such an id")
    key = state.redemption(redemption_id)
    return Redemption.from_json(await tx.read(key, ErrorCode.NOT_FOUND, "there is no such redemption"))


def _close(tx: Transaction, redemption: Redemption, to: RedemptionState, **more: Any) -> Answer:
    closed = replace(redemption, state=to, deadline_ms=None)
    tx.put(state.redemption(closed.id), closed.to_json())
    return _answer(tx, closed, **more)


def _answer(tx: Transaction, redemption: Redemption, **more: Any) -> Answer:
    return Answer(redemption.id, redemption.state, (redemption.owner,), {"amount": str(redemption.amount), **more})
