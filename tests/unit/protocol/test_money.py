"""Amounts, fees and the choice of coins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.money import MAX_AMOUNT, Coin, change_after, fee, parse_amount, select_coins

amounts = st.integers(1, 10**6)
purses = st.lists(amounts, max_size=12).map(
    lambda values: [Coin(f"{n:064x}.0", "did:key:z", value) for n, value in enumerate(values)]
)


@pytest.mark.parametrize(("text", "amount"), [("1", 1), ("100", 100), (str(MAX_AMOUNT), MAX_AMOUNT)])
def test_decimal_string_is_an_amount(text: str, amount: int) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    "text", ["0", "", "-1", "01", "1.0", "1e3", " 1", "１", "1３", str(MAX_AMOUNT + 1), 1, None, True]
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(MarketError) as refused:
        parse_amount(text)
    assert refused.value.code is ErrorCode.MALFORMED_AMOUNT


def test_zero_is_an_amount_only_where_allowed() -> None:
    assert parse_amount("0", zero=True) == 0


@pytest.mark.parametrize(
    ("price", "basis_points", "expected"), [(10_000, 250, 250), (39, 250, 0), (40, 250, 1), (7, 10_000, 7), (9, 0, 0)]
)
def test_fee_is_the_floor_of_basis_points(price: int, basis_points: int, expected: int) -> None:
    assert fee(price, basis_points) == expected


@given(purses, amounts)
def test_selected_coins_pay_with_none_superfluous(coins: list[Coin], amount: int) -> None:
    total = sum(coin.amount for coin in coins)
    if total < amount:
        with pytest.raises(MarketError) as refused:
            select_coins(coins, amount)
        assert refused.value.code is ErrorCode.INSUFFICIENT_FUNDS
        return
    chosen = select_coins(coins, amount)
    assert change_after(chosen, amount) == sum(coin.amount for coin in chosen) - amount


@pytest.mark.parametrize(
    ("values", "amount", "code"),
    [
        ([5, 5], 11, ErrorCode.INSUFFICIENT_FUNDS),
        ([5, 5], 5, ErrorCode.COIN_SUPERFLUOUS),
        ([10, 3], 8, ErrorCode.COIN_SUPERFLUOUS),
        ([MAX_AMOUNT, MAX_AMOUNT], MAX_AMOUNT, ErrorCode.WRONG_AMOUNT),
    ],
)
def test_wrong_coins_are_refused(values: list[int], amount: int, code: ErrorCode) -> None:
    coins = [Coin(f"{n}.0", "a", value) for n, value in enumerate(values)]
    with pytest.raises(MarketError) as refused:
        change_after(coins, amount)
    assert refused.value.code is code


def test_a_coin_named_twice_does_not_count_twice() -> None:
    coin = Coin("a.0", "a", 5)
    with pytest.raises(MarketError) as refused:
        change_after([coin, coin], 10)
    assert refused.value.code is ErrorCode.COIN_SUPERFLUOUS


def test_nothing_to_pay_takes_no_coin() -> None:
    assert select_coins([Coin("a.0", "a", 5)], 0) == []
