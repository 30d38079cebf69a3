"""Acts on a trade that are refused: each way of being wrong has its own code, and nothing changes."""

from typing import Any

import pytest

from countermark.protocol import jws, times
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode
from countermark.protocol.money import MAX_AMOUNT
from countermark.protocol.transitions import ACTS
from tests.support.backends import Backend
from tests.support.market import (
    BOND,
    DEADLINE_S,
    DEADLINES,
    FEE,
    PATHS,
    PLATFORM,
    PRICE,
    SUPERVISOR,
    Market,
    actor,
    anything,
    offer,
    refused,
)

FUNCTIONS = sorted({act.function for act in ACTS})
POSSIBLE = {(act.source.value, act.function) for act in ACTS}


@pytest.mark.parametrize("state", PATHS)
def test_function_that_the_table_does_not_allow_is_refused_in_every_state(market: Market, state: str) -> None:
    trade_id = market.bring_to(state)
    before = market.trade(trade_id)
    for function in FUNCTIONS:
        if (state, function) not in POSSIBLE:
            with refused(ErrorCode.WRONG_STATE):
                market.act(function, trade_id)
    assert market.trade(trade_id) == before


@pytest.mark.parametrize("end", ["settled", "refunded"])
def test_nothing_can_be_done_after_the_end(market: Market, end: str) -> None:
    if end == "settled":
        trade_id = market.bring_to("MATCHED")
        market.act("trade.confirm", trade_id)
    else:
        trade_id = market.bring_to("PAID")
        market.act("trade.cancel", trade_id)
    before = market.records("coin/")
    for function in FUNCTIONS:
        changes = {"fee": str(FEE), "bond": str(BOND)} if function == "trade.charge" else {}
        with refused(ErrorCode.WRONG_STATE):
            market.ask(market.platform, function, {"trade": trade_id, **market._usual(function, trade_id), **changes})
    assert market.records("coin/") == before


@pytest.mark.parametrize(("state", "function"), sorted(POSSIBLE))
def test_stranger_cannot_act(market: Market, state: str, function: str) -> None:
    trade_id = market.bring_to(state, before=function)
    reasons = {"SENT": "unavailable"}
    changes = {"reason": reasons.get(state, "mismatch")} if function == "trade.dispute" else {}
    with refused(ErrorCode.WRONG_ACTOR):
        market.act(function, trade_id, market.stranger, **changes)


@pytest.mark.parametrize(
    ("state", "function"), [("PAID", "trade.charge"), ("FUNDED", "trade.send"), ("PAID", "trade.cancel")]
)
def test_buyer_cannot_do_the_sellers_part(market: Market, state: str, function: str) -> None:
    trade_id = market.bring_to(state)
    with refused(ErrorCode.WRONG_ACTOR):
        market.act(function, trade_id, market.buyer)


@pytest.mark.requirement("R35")
@pytest.mark.parametrize("who", ["seller", "platform", "supervisor"])
@pytest.mark.requirement("R47")
def test_only_the_buyer_releases_the_price(market: Market, who: str) -> None:
    trade_id = market.bring_to("MATCHED")
    with refused(ErrorCode.WRONG_ACTOR):
        market.act("trade.confirm", trade_id, getattr(market, who))


@pytest.mark.requirement("R35")
def test_escrow_coin_cannot_be_spent_by_anybody(market: Market) -> None:
    trade_id = market.bring_to("FUNDED")
    coin = next(iter(market.coins(f"trade/{trade_id}")))
    for who in (market.buyer, market.seller, market.platform, market.issuer):
        with refused(ErrorCode.COIN_NOT_YOURS):
            market.ask(who, "coin.transfer", {"to": who.address, "amount": "1"}, {"coins": [coin]})


ACTS_WITH_TIME = sorted({(state, function) for state, function in POSSIBLE if function != "trade.dispute"})


@pytest.mark.parametrize(("state", "function"), ACTS_WITH_TIME)
def test_act_counts_up_to_its_deadline_and_not_after(market: Market, state: str, function: str) -> None:
    late = market.bring_to(state, before=function)
    timely = market.bring_to(state, market.list_data(data=b"another")["id"], before=function)
    market.backend.wait(DEADLINE_S)
    # Both trades came to their state at the same moment: the clock moves only by waiting.
    market.act(function, timely)
    market.backend.wait(0.001)
    with refused(ErrorCode.DEADLINE_PASSED):
        market.act(function, late)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"offer_version": 2}, ErrorCode.STALE_OFFER),
        ({"price": "1"}, ErrorCode.WRONG_PRICE),
        ({"price": str(PRICE + 1)}, ErrorCode.WRONG_PRICE),
        ({"deadlines": {**DEADLINES, "send": DEADLINE_S + 1}}, ErrorCode.WRONG_DEADLINES),
        ({"bond": "0"}, ErrorCode.WRONG_AMOUNT),
        ({"c_d": anything("another description")}, ErrorCode.COMMITMENT_MISMATCH),
        ({"listing": "dc1" + "a" * 52}, ErrorCode.UNKNOWN_LISTING),
        ({"listing": "nonsense"}, ErrorCode.UNKNOWN_LISTING),
        ({"price": "0"}, ErrorCode.MALFORMED_AMOUNT),
        ({"price": "1e3"}, ErrorCode.MALFORMED_AMOUNT),
        ({"price": "-5"}, ErrorCode.MALFORMED_AMOUNT),
        ({"price": "9223372036854775808"}, ErrorCode.MALFORMED_AMOUNT),
        ({"pk_t": b64u(bytes(1216))}, ErrorCode.MALFORMED_KEY),
        ({"pk_t": "x"}, ErrorCode.MALFORMED_KEY),
    ],
)
def test_payment_for_another_offer_than_stands_is_refused(
    market: Market, changes: dict[str, Any], code: ErrorCode
) -> None:
    address = market.list_data()["id"]
    coins = market.fund(market.buyer, PRICE + BOND)
    payload = {
        "action": "trade.pay",
        "expires_at": times.to_text(market.backend.now_ms + 60_000),
        "issued_at": times.to_text(market.backend.now_ms),
        "market": market.backend.market,
        "nonce": b64u(b"p" * 16),
        "params": market.pay_params(address) | changes,
    }
    # Signed by hand: an honest client refuses to sign what is malformed.
    token = jws.sign(market.buyer.key, "countermark-intent+jws", payload)
    with refused(code):
        market.send_token(token, "trade.pay", coins)
    assert market.balance(market.buyer) == PRICE + BOND
    assert market.listing(address)["state"] == "LISTED"


def test_payment_for_an_offer_that_was_replaced_is_refused(market: Market) -> None:
    address = market.list_data()["id"]
    params = market.pay_params(address)
    market.ask(market.seller, "listing.offer", {"listing": address, "offer": offer(PRICE)})
    with refused(ErrorCode.STALE_OFFER):
        market.ask(market.buyer, "trade.pay", params, market.fund(market.buyer, PRICE + BOND))


def test_purchase_whose_payout_no_coin_could_hold_is_refused(backend: Backend) -> None:
    issuers = {PLATFORM: {"account": actor("issuer", PLATFORM).address, "cap": str(MAX_AMOUNT)}}
    fees = {"management": "0", "transaction_bps": 0, "arbiter": "0"}
    market = Market(backend, issuers=issuers, fees=fees)
    largest = MAX_AMOUNT - 2 * BOND
    too_large = market.list_data(offer=offer(largest + 1))["id"]
    with refused(ErrorCode.WRONG_AMOUNT):
        market.pay(too_large)
    trade_id = market.pay(market.list_data(data=b"another", offer=offer(largest))["id"], market.stranger)
    market.act("trade.charge", trade_id)
    market.expire()
    assert market.enforce(trade_id)["outcome"] == "no_show"
    assert market.balance(market.stranger) == MAX_AMOUNT


@pytest.mark.requirement("R66")
@pytest.mark.parametrize("short_by", [1, BOND, PRICE + BOND])
def test_purchase_without_the_money_is_refused(market: Market, short_by: int) -> None:
    address = market.list_data()["id"]
    coins = market.fund(market.buyer, PRICE + BOND - short_by)
    with refused(ErrorCode.INSUFFICIENT_FUNDS):
        market.ask(market.buyer, "trade.pay", market.pay_params(address), coins)


def test_second_buyer_is_refused_before_money_moves(market: Market) -> None:
    address = market.list_data()["id"]
    params = market.pay_params(address)
    market.pay(address)
    coins = market.fund(market.stranger, PRICE + BOND)
    with refused(ErrorCode.ALREADY_RESERVED):
        market.ask(market.stranger, "trade.pay", params, coins)
    assert market.balance(market.stranger) == PRICE + BOND


def test_withdrawn_and_sold_listings_cannot_be_bought(market: Market) -> None:
    address = market.list_data()["id"]
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    with refused(ErrorCode.NOT_FOR_SALE):
        market.pay(address)
    sold = market.bring_to("SENT", market.list_data(data=b"sold")["id"])
    market.act("trade.confirm", sold)
    with refused(ErrorCode.NOT_FOR_SALE):
        market.pay(market.trade(sold)["listing"], market.stranger)


def test_owner_cannot_buy_from_himself(market: Market) -> None:
    address = market.list_data()["id"]
    with refused(ErrorCode.OWN_LISTING):
        market.pay(address, market.seller)


def test_platform_is_no_party_to_a_brokered_trade(market: Market) -> None:
    with refused(ErrorCode.NOT_PERMITTED):
        market.pay(market.list_data()["id"], market.platform)
    with refused(ErrorCode.NOT_PERMITTED):
        market.pay(market.list_data(market.platform, b"platform's own")["id"])


@pytest.mark.parametrize("changes", [{"fee": str(FEE - 1)}, {"fee": "0"}, {"bond": str(BOND + 1)}])
def test_seller_pays_exactly_fee_and_bond(market: Market, changes: dict[str, Any]) -> None:
    trade_id = market.bring_to("PAID")
    with refused(ErrorCode.WRONG_AMOUNT):
        market.act("trade.charge", trade_id, **{"fee": str(FEE), "bond": str(BOND), **changes})


def test_package_above_the_markets_limit_is_refused(market: Market) -> None:
    trade_id = market.bring_to("FUNDED")
    with refused(ErrorCode.TOO_LARGE):
        market.act("trade.send", trade_id, package_size=1_000_001)


def test_relay_of_another_package_is_refused(market: Market) -> None:
    trade_id = market.bring_to("UPLOADED")
    with refused(ErrorCode.PACKAGE_ROOT_MISMATCH):
        market.act("trade.relay", trade_id, package_root=anything("another package"))


def test_relay_completed_in_the_future_is_refused(market: Market) -> None:
    trade_id = market.bring_to("UPLOADED")
    with refused(ErrorCode.MALFORMED_INTENT):
        market.act("trade.relay", trade_id, completed_at=times.to_text(market.backend.now_ms + 61_000))


@pytest.mark.parametrize(
    ("state", "reason"),
    [("SENT", "mismatch"), ("RECEIVED", "unavailable"), ("MATCHED", "undecryptable"), ("MISMATCHED", "unavailable")],
)
def test_reason_of_a_dispute_must_fit_its_state(market: Market, state: str, reason: str) -> None:
    trade_id = market.bring_to(state)
    with refused(ErrorCode.WRONG_STATE):
        market.act("trade.dispute", trade_id, reason=reason)


@pytest.mark.parametrize("trade_id", ["tr1" + "a" * 52, "nonsense", "", "tr1/../coin"])
def test_unknown_trade_is_refused(market: Market, trade_id: str) -> None:
    with refused(ErrorCode.UNKNOWN_TRADE):
        market.enforce(trade_id)
    with refused(ErrorCode.UNKNOWN_TRADE):
        market.backend.evaluate(SUPERVISOR, "audit.trade", trade_id)


def test_frozen_seller_cannot_act_but_his_trade_ends_by_its_timers(market: Market) -> None:
    trade_id = market.bring_to("FUNDED")
    market.ask(market.supervisor, "account.freeze", {"account": market.seller.address})
    with refused(ErrorCode.ACCOUNT_FROZEN):
        market.act("trade.send", trade_id)
    market.expire()
    assert market.enforce(trade_id)["outcome"] == "no_show"


def test_nothing_new_is_bought_from_a_frozen_owner(market: Market) -> None:
    address = market.list_data()["id"]
    market.ask(market.supervisor, "account.freeze", {"account": market.seller.address})
    with refused(ErrorCode.NOT_FOR_SALE):
        market.pay(address)


def test_issuers_and_platforms_clients_have_no_power_over_a_trade(market: Market) -> None:
    trade_id = market.bring_to("MATCHED")
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.issuer, "trade.confirm", {"trade": trade_id}, msp=PLATFORM)
