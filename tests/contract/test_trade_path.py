"""The whole ownership trade by its parties' acts: who may do what, and where every coin goes."""

import pytest

from countermark.protocol.errors import ErrorCode
from tests.support.backends import Backend
from tests.support.market import BOND, FEE, PATHS, PLATFORM, PRICE, SUPERVISOR, TRADER, Actor, Market, actor, refused


@pytest.fixture
def sold(market: Market) -> str:
    trade_id = market.bring_to("MATCHED")
    market.act("trade.confirm", trade_id)
    return trade_id


@pytest.mark.every_ledger
@pytest.mark.requirement("R48")
@pytest.mark.requirement("R35")
def test_confirmation_moves_price_fee_and_bonds_in_one_transaction(market: Market, sold: str) -> None:
    trade = market.trade(sold)
    assert (trade["state"], trade["outcome"], trade["deadline"], trade["escrow"]) == ("SETTLED", "confirmed", "", [])
    assert market.balance(market.seller) == PRICE + BOND
    assert market.balance(market.platform) == FEE
    assert market.balance(market.buyer) == BOND
    assert market.coins(f"trade/{sold}") == {}
    assert market.total() == market.minted
    made = {coin["coin"].split(".")[0] for coin in trade["payouts"]}
    assert len(made) == 1


@pytest.mark.requirement("R2")
@pytest.mark.requirement("R49")
def test_ownership_passes_and_only_the_new_owner_relists(market: Market, sold: str) -> None:
    address = market.trade(sold)["listing"]
    listing = market.listing(address)
    assert (listing["state"], listing["owner"], listing["trade"]) == ("SOLD", market.buyer.address, "")
    assert listing["seller"] == market.seller.address


@pytest.mark.every_ledger
@pytest.mark.requirement("R1")
@pytest.mark.requirement("R50")
def test_new_owner_sells_the_same_contract_to_a_third_party(market: Market, sold: str) -> None:
    address = market.trade(sold)["listing"]
    relisting = {"listing": address, "offer": {**market.listing(address)["offer"], "price": "777"}}
    relisting["offer"].pop("version")
    assert market.ask(market.buyer, "listing.relist", relisting)["offer_version"] == 2
    second = market.pay(address, market.stranger)
    assert second != sold
    for function in ("trade.charge", "trade.send", "trade.relay", "trade.confirm"):
        who = market.buyer if function in ("trade.charge", "trade.send") else None
        market.act(function, second, who)
    assert market.listing(address)["owner"] == market.stranger.address
    assert market.total() == market.minted


@pytest.mark.requirement("R35")
def test_escrow_belongs_to_the_trade_and_change_to_the_buyer(market: Market) -> None:
    address = market.list_data()["id"]
    coin = market.mint(market.buyer, PRICE + BOND + 7)
    trade_id = market.ask(market.buyer, "trade.pay", market.pay_params(address), {"coins": [coin]})["id"]
    assert sorted(market.coins(f"trade/{trade_id}").values()) == [BOND, PRICE]
    assert list(market.coins(market.buyer.address).values()) == [7]
    assert market.listing(address)["state"] == "RESERVED"
    assert market.listing(address)["trade"] == trade_id


@pytest.mark.requirement("R36")
def test_fee_and_bond_of_the_seller_join_the_escrow(market: Market) -> None:
    trade_id = market.bring_to("FUNDED")
    roles = {held["role"]: int(held["amount"]) for held in market.trade(trade_id)["escrow"]}
    assert roles == {"price": PRICE, "buyer_bond": BOND, "fee": FEE, "seller_bond": BOND}


def test_charge_accepts_the_trade_even_when_there_is_nothing_to_pay(backend: Backend) -> None:
    free = Market(backend, bond="0", fees={"management": "0", "transaction_bps": 0, "arbiter": "0"})
    trade_id = free.bring_to("FUNDED")
    assert [held["role"] for held in free.trade(trade_id)["escrow"]] == ["price"]


@pytest.mark.requirement("R11")
@pytest.mark.requirement("R17")
def test_every_step_stands_in_the_log_with_transaction_and_time(market: Market, sold: str) -> None:
    story = market.backend.evaluate("SupervisorMSP", "audit.trade", sold)
    states = [step["state"] for step in reversed(story["history"])]
    assert states == ["PAID", "FUNDED", "UPLOADED", "SENT", "RECEIVED", "MATCHED", "SETTLED"]
    assert len({step["tx"] for step in story["history"]}) == len(states)
    assert all(step["at"] for step in story["history"])
    trade = story["trade"]
    assert trade["notices"]["seller"].startswith("sha256:")
    assert trade["notices"]["buyer"].startswith("sha256:")


def test_buyer_may_confirm_without_acknowledging_first(market: Market) -> None:
    trade_id = market.bring_to("SENT")
    assert market.act("trade.confirm", trade_id)["outcome"] == "confirmed"


@pytest.mark.requirement("R46")
def test_platform_finds_the_notices_inconsistent_and_disputes(market: Market) -> None:
    trade_id = market.bring_to("RECEIVED")
    assert market.act("trade.check", trade_id, result="mismatch")["state"] == "MISMATCHED"
    assert market.act("trade.dispute", trade_id, market.platform)["state"] == "DISPUTED"
    assert market.trade(trade_id)["dispute"]["by"] == "platform"


def test_buyer_takes_an_altered_copy(market: Market) -> None:
    trade_id = market.bring_to("MISMATCHED")
    assert market.act("trade.accept", trade_id)["outcome"] == "accepted"
    assert market.balance(market.seller) == PRICE + BOND


@pytest.mark.requirement("A-23")
@pytest.mark.parametrize("state", PATHS)
def test_every_phase_has_its_deadline(market: Market, state: str) -> None:
    trade = market.trade(market.bring_to(state))
    assert trade["deadline"] > trade["updated_at"]


def test_opening_names_two_receivers_and_starts_the_arbiters_time(market: Market) -> None:
    trade = market.trade(market.bring_to("EVIDENCED"))
    assert trade["decider"] == "arbiter"
    assert set(trade["openings"]) == {"arbiter", "substitute"}
    assert trade["arbiter"]["account"] == market.arbiter.address
    assert trade["substitute"]["account"] == market.substitute.address


THIRD_FIRST = [actor("third").party(), actor("arbiter", SUPERVISOR).party(), actor("substitute", SUPERVISOR).party()]
"""Arbiters, the trading organisation's before the supervisor's."""


@pytest.mark.requirement("A-44")
def test_nobody_decides_a_trade_to_which_he_is_a_party(backend: Backend) -> None:
    market, third = Market(backend, arbiters=THIRD_FIRST), actor("third")
    market.open_account(third)
    trade = market.trade(market.pay(market.list_data()["id"], third))
    assert trade["arbiter"]["account"] == market.arbiter.address
    assert trade["substitute"]["account"] == market.substitute.address


@pytest.mark.parametrize("role", ["supervisor", "arbiter"])
def test_nobody_decides_a_trade_of_an_account_that_the_market_names_for_his_organisation(
    market: Market, role: str
) -> None:
    """Such an account need not name its organisation as a sponsor."""
    party = getattr(market, role)
    with refused(ErrorCode.NOT_PERMITTED):
        market.pay(market.list_data()["id"], party)
    with refused(ErrorCode.NOT_PERMITTED):
        market.pay(market.list_data(party, b"his own")["id"])


def test_issuers_trade_is_decided_outside_his_organisation(backend: Backend) -> None:
    issuers = {
        PLATFORM: {"account": actor("issuer", PLATFORM).address, "cap": "100000000"},
        TRADER: {"account": actor("stranger").address, "cap": "1"},
    }
    market = Market(backend, arbiters=THIRD_FIRST, issuers=issuers)
    trade = market.trade(market.pay(market.list_data()["id"], market.stranger))
    assert {trade["arbiter"]["msp_id"], trade["substitute"]["msp_id"]} == {SUPERVISOR}


def test_nobody_decides_a_trade_of_his_organisations_member(market: Market) -> None:
    member = actor("member of the trading organisation")
    market.open_account(member, sponsor=TRADER)
    config = market.config["arbiters"]
    assert [arbiter["msp_id"] for arbiter in config] == [SUPERVISOR, SUPERVISOR, TRADER]
    trade = market.trade(market.pay(market.list_data(member)["id"]))
    assert {trade["arbiter"]["msp_id"], trade["substitute"]["msp_id"]} == {SUPERVISOR}


def test_trade_without_two_independent_arbiters_is_refused(market: Market) -> None:
    clerk = Actor("clerk", SUPERVISOR, actor("clerk").key, actor("clerk").encryption)
    market.open_account(clerk, sponsor=SUPERVISOR)
    address = market.list_data(clerk)["id"]
    with refused(ErrorCode.NOT_PERMITTED):
        market.pay(address)
