"""Money: coins are made once, spent once, by their owner, with exact change."""

import pytest

from countermark.protocol.errors import ErrorCode
from tests.support.market import DEADLINE_S, PLATFORM, SUPERVISOR, TRADER, Actor, Market, actor, refused


def transfer(market: Market, amount: int, coins: list[str], who: Actor | None = None) -> str:
    params = {"to": market.seller.address, "amount": str(amount)}
    coin_id: str = market.ask(who or market.buyer, "coin.transfer", params, {"coins": coins})["id"]
    return coin_id


def test_minted_coin_belongs_to_the_depositor(market: Market) -> None:
    coin = market.mint(market.buyer, 100, "deposit-1")
    assert market.coins(market.buyer.address) == {coin: 100}
    deposit = market.records("deposit/")[f"{PLATFORM}/deposit-1"]
    assert deposit == {"amount": "100", "to": market.buyer.address, "tx": coin.split(".")[0]}


def test_deposit_counts_once_even_for_another_amount_or_payee(market: Market) -> None:
    market.mint(market.buyer, 100, "deposit-1")
    with refused(ErrorCode.DEPOSIT_USED):
        market.mint(market.seller, 1, "deposit-1")
    assert market.total() == 100


def test_mint_above_the_issuers_cap_is_refused(market: Market) -> None:
    with refused(ErrorCode.ISSUER_CAP):
        market.mint(market.buyer, 100_000_001)


def test_deposit_reference_that_would_divide_its_key_is_refused(market: Market) -> None:
    for reference in ("a/b", "/a", "a/"):
        with refused(ErrorCode.MALFORMED_INTENT):
            market.mint(market.buyer, 5, reference)


def test_only_the_issuer_through_his_own_organisation_mints(market: Market) -> None:
    params = {"to": market.buyer.address, "amount": "5", "reference": "r"}
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.platform, "coin.mint", params)
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.issuer, "coin.mint", params, msp=TRADER)
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.supervisor, "coin.mint", params)


def test_nobody_mints_or_transfers_to_an_account_that_is_not_opened(market: Market) -> None:
    nobody = actor("nobody")
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        market.mint(nobody, 5)
    coin = market.mint(market.buyer, 5)
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        market.ask(market.buyer, "coin.transfer", {"to": nobody.address, "amount": "5"}, {"coins": [coin]})


def test_change_goes_back_to_the_payer(market: Market) -> None:
    coins = [market.mint(market.buyer, 60), market.mint(market.buyer, 70)]
    transfer(market, 100, coins)
    assert list(market.coins(market.buyer.address).values()) == [30]
    assert list(market.coins(market.seller.address).values()) == [100]


def test_spent_unknown_and_foreign_coins_are_told_apart(market: Market) -> None:
    mine, other = market.mint(market.buyer, 10), market.mint(market.stranger, 10)
    transfer(market, 10, [mine])
    with refused(ErrorCode.COIN_SPENT):
        transfer(market, 10, [mine])
    with refused(ErrorCode.COIN_NOT_YOURS):
        transfer(market, 10, [other])
    for unknown in ("0" * 64 + ".0", f"{mine.split('.')[0]}.7", "nonsense", "../market/config", f"{mine}0"):
        with refused(ErrorCode.UNKNOWN_COIN):
            transfer(market, 10, [unknown])


@pytest.mark.parametrize("amounts", [[10, 5], [10, 9, 1], [100, 10]])
def test_superfluous_coin_is_refused(market: Market, amounts: list[int]) -> None:
    coins = [market.mint(market.buyer, amount) for amount in amounts]
    with refused(ErrorCode.COIN_SUPERFLUOUS):
        transfer(market, 10, coins)


def test_coin_named_twice_does_not_count_twice(market: Market) -> None:
    coin = market.mint(market.buyer, 10)
    with refused(ErrorCode.COIN_SUPERFLUOUS):
        transfer(market, 20, [coin, coin])


def test_too_little_money_is_refused(market: Market) -> None:
    coin = market.mint(market.buyer, 10)
    with refused(ErrorCode.INSUFFICIENT_FUNDS):
        transfer(market, 11, [coin])
    with refused(ErrorCode.INSUFFICIENT_FUNDS):
        transfer(market, 1, [])


def test_small_coins_can_be_joined_by_paying_oneself(market: Market) -> None:
    coins = [market.mint(market.buyer, amount) for amount in (1, 2, 3)]
    market.ask(market.buyer, "coin.transfer", {"to": market.buyer.address, "amount": "6"}, {"coins": coins})
    assert list(market.coins(market.buyer.address).values()) == [6]


def redeem(market: Market, amount: int = 30) -> str:
    coin = market.mint(market.buyer, 100)
    params = {"issuer": PLATFORM, "amount": str(amount)}
    redemption_id: str = market.ask(market.buyer, "coin.redeem", params, {"coins": [coin]})["id"]
    return redemption_id


@pytest.mark.native_ledger
def test_redeemed_coin_is_locked_then_burnt_by_the_issuer(market: Market) -> None:
    redemption = redeem(market)
    assert list(market.coins(market.buyer.address).values()) == [70]
    assert list(market.coins(f"redemption/{redemption}").values()) == [30]
    assert market.ask(market.issuer, "coin.burn", {"redemption": redemption})["state"] == "BURNT"
    assert market.total() == market.minted - 30
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.issuer, "coin.burn", {"redemption": redemption})


@pytest.mark.native_ledger
def test_redemption_that_nobody_burns_returns_to_its_owner(market: Market) -> None:
    redemption = redeem(market)
    with refused(ErrorCode.NOT_DUE):
        market.backend.submit(TRADER, "coin.enforce", redemption)
    market.expire()
    assert market.backend.submit(TRADER, "coin.enforce", redemption)["state"] == "RETURNED"
    assert market.balance(market.buyer) == 100
    assert market.backend.submit(TRADER, "coin.enforce", redemption)["replayed"] is True
    assert market.total() == market.minted
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.issuer, "coin.burn", {"redemption": redemption})


def test_issuer_cannot_burn_after_the_deadline(market: Market) -> None:
    redemption = redeem(market)
    market.backend.wait(DEADLINE_S + 0.001)
    with refused(ErrorCode.DEADLINE_PASSED):
        market.ask(market.issuer, "coin.burn", {"redemption": redemption})


def test_only_the_issuer_named_burns(market: Market) -> None:
    redemption = redeem(market)
    for who, code in (
        (market.buyer, ErrorCode.NOT_PERMITTED),
        (market.platform, ErrorCode.WRONG_ACTOR),
        (market.supervisor, ErrorCode.NOT_PERMITTED),
    ):
        with refused(code):
            market.ask(who, "coin.burn", {"redemption": redemption})


@pytest.mark.parametrize("redemption", ["0" * 64, "nonsense"])
def test_unknown_redemption_is_refused(market: Market, redemption: str) -> None:
    with refused(ErrorCode.NOT_FOUND):
        market.ask(market.issuer, "coin.burn", {"redemption": redemption})
    with refused(ErrorCode.NOT_FOUND):
        market.backend.submit(TRADER, "coin.enforce", redemption)


def test_redeeming_with_an_organisation_that_issues_nothing_is_refused(market: Market) -> None:
    coin = market.mint(market.buyer, 100)
    with refused(ErrorCode.NOT_FOUND):
        market.ask(market.buyer, "coin.redeem", {"issuer": SUPERVISOR, "amount": "1"}, {"coins": [coin]})
