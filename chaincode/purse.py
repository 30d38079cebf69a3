"""Coins as unspent outputs: take those that an intent may spend, spend them, make new ones.

Nobody's balance is a key. Coin ids are not signed: they are the gateway's choice, so each must belong to the signer,
none may be superfluous, and the change goes back to him.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from countermark.chaincode import state
from countermark.chaincode.context import Reader, Transaction
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.money import MAX_AMOUNT, Coin, change_after

_COIN_ID = re.compile(r"[0-9a-f]{64}\.(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Payment:
    """Coins of one owner that reach an amount, and the change that they leave, in minor units."""

    owner: str
    coins: tuple[Coin, ...]
    change: int


def attached_keys(tx: Transaction) -> list[str]:
    """Return the keys of the attached coins; what cannot be a coin's id is none."""
    return [state.coin(coin_id) for coin_id in tx.attached("coins") if _COIN_ID.fullmatch(coin_id)]


async def find_coin(reader: Reader, coin_id: str) -> Coin:
    """Return an unspent coin.

    Raises:
        MarketError: UNKNOWN_COIN, COIN_SPENT.
    """
    if not _COIN_ID.fullmatch(coin_id):
        raise MarketError(ErrorCode.UNKNOWN_COIN, "no coin has such an id")
    record = await reader.find(state.coin(coin_id))
    if record is None:
        if await reader.find(state.spent(coin_id)) is not None:
            raise MarketError(ErrorCode.COIN_SPENT, "the coin has been spent")
        raise MarketError(ErrorCode.UNKNOWN_COIN, "there is no such coin")
    return Coin(coin_id, record["owner"], int(record["amount"]))


async def take(tx: Transaction, amount: int) -> Payment:
    """Return the attached coins as the signer's payment of ``amount``; nothing is written yet.

    Raises:
        MarketError: UNKNOWN_COIN, COIN_SPENT, COIN_NOT_YOURS, COIN_SUPERFLUOUS, INSUFFICIENT_FUNDS, WRONG_AMOUNT.
    """
    await tx.fetch(attached_keys(tx))
    coins = [await find_coin(tx, coin_id) for coin_id in tx.attached("coins")]
    if any(coin.owner != tx.signer for coin in coins):
        raise MarketError(ErrorCode.COIN_NOT_YOURS, "a coin belongs to somebody else")
    return Payment(tx.signer, tuple(coins), change_after(coins, amount))


def settle_payment(tx: Transaction, payment: Payment) -> None:
    """Spend the coins of a payment and give the change back; the payees' coins are the caller's to make."""
    spend(tx, [coin.id for coin in payment.coins])
    if payment.change:
        make(tx, payment.owner, payment.change)


def spend(tx: Transaction, coin_ids: Sequence[str]) -> None:
    """Delete coins and leave a mark that they existed."""
    for coin_id in coin_ids:
        tx.delete(state.coin(coin_id))
        tx.put(state.spent(coin_id), {"tx": tx.tx_id})


def make(tx: Transaction, owner: str, amount: int) -> str:
    """Create a coin of ``amount`` minor units for ``owner`` (an address or an escrow) and return its id.

    Raises:
        MarketError: WRONG_AMOUNT for what no coin can hold.
    """
    if not 1 <= amount <= MAX_AMOUNT:
        raise MarketError(ErrorCode.WRONG_AMOUNT, "a coin holds 1 to 2^63-1 minor units")
    coin_id = tx.new_coin_id()
    tx.put(state.coin(coin_id), {"amount": str(amount), "owner": owner})
    return coin_id
