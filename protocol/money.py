"""Money: integer minor units, at most 2^63-1, decimal strings on the wire; a fee is a floor of basis points.

Amounts are never floats and never JSON numbers, so no reader can round one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from countermark.protocol.errors import ErrorCode, MarketError

MAX_AMOUNT = 2**63 - 1
"""The largest amount, in minor units, that a coin, a price or a sum may have."""

_AMOUNT = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)


def parse_amount(text: object, *, zero: bool = False) -> int:
    """Return the minor units that the decimal string ``text`` names; 0 only where ``zero`` allows it.

    Raises:
        MarketError: MALFORMED_AMOUNT.
    """
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise MarketError(ErrorCode.MALFORMED_AMOUNT, "an amount is a decimal string of minor units")
    amount = int(text)
    if amount > MAX_AMOUNT or (amount == 0 and not zero):
        raise MarketError(ErrorCode.MALFORMED_AMOUNT, "an amount lies between 1 and 2^63-1")
    return amount


def fee(price: int, basis_points: int) -> int:
    """Return ``floor(price × basis_points / 10000)``, at most ``price``; all in minor units."""
    return min(price, price * basis_points // 10_000)


@dataclass(frozen=True)
class Coin:
    """An unspent output: its id ``{txid}.{n}``, its owner (an address or an escrow) and its minor units."""

    id: str
    owner: str
    amount: int


def change_after(coins: Sequence[Coin], amount: int) -> int:
    """Return the change when ``coins`` pay ``amount`` (minor units).

    Raises:
        MarketError: INSUFFICIENT_FUNDS when they do not reach; COIN_SUPERFLUOUS when one could be left out or
            stands twice; WRONG_AMOUNT when their sum passes 2^63-1.
    """
    if len({coin.id for coin in coins}) != len(coins):
        raise MarketError(ErrorCode.COIN_SUPERFLUOUS, "a coin is named twice")
    total = sum(coin.amount for coin in coins)
    if total > MAX_AMOUNT:
        raise MarketError(ErrorCode.WRONG_AMOUNT, "the coins add up to more than 2^63-1")
    if total < amount:
        raise MarketError(ErrorCode.INSUFFICIENT_FUNDS, "the coins do not reach the amount")
    change = total - amount
    # Without this a gateway could drag coins into a payment that its signer never meant to touch.
    if any(coin.amount <= change for coin in coins):
        raise MarketError(ErrorCode.COIN_SUPERFLUOUS, "a coin could be left out")
    return change


def select_coins(coins: Sequence[Coin], amount: int) -> list[Coin]:
    """Return coins out of ``coins`` that pay ``amount`` with none superfluous; [] for 0.

    The smallest single coin that reaches, else the largest coins first: few inputs, and no dust left over.

    Raises:
        MarketError: INSUFFICIENT_FUNDS.
    """
    if amount == 0:
        return []
    ordered = sorted(coins, key=lambda coin: (coin.amount, coin.id))
    single = next((coin for coin in ordered if coin.amount >= amount), None)
    if single is not None:
        return [single]
    chosen: list[Coin] = []
    total = 0
    for coin in reversed(ordered):
        chosen.append(coin)
        total += coin.amount
        if total >= amount:
            break
    else:
        raise MarketError(ErrorCode.INSUFFICIENT_FUNDS, "the account's free coins do not reach the amount")
    # A greedy choice may hold a coin that the later ones made superfluous.
    for coin in sorted(chosen, key=lambda coin: coin.amount):
        if total - coin.amount >= amount:
            chosen.remove(coin)
            total -= coin.amount
    return chosen
