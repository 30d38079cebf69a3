"""Claims of ownership: in every state of a contract, and where contract and coins go then (A-08, D-9)."""

from dataclasses import dataclass
from typing import Any

import pytest

from countermark.protocol.errors import ErrorCode
from countermark.protocol.transitions import ListingState, TradeState
from tests.support.market import (
    ARBITER_FEE,
    BOND,
    CLAIM_DEPOSIT,
    FEE,
    PATHS,
    PLATFORM,
    PRICE,
    TRADER,
    Market,
    actor,
    offer,
    refused,
)

pytestmark = pytest.mark.requirement("A-08")

LATER = [state for state in PATHS if state not in ("PAID", "FUNDED")]


def enforce_claim(market: Market, claim_id: str) -> dict[str, Any]:
    market.backend.submit(TRADER, "claim.enforce", claim_id)
    return market.claim_record(claim_id)


def held(market: Market) -> dict[str, int]:
    """What each party holds, those of nothing left out."""
    parties = (market.seller, market.buyer, market.stranger, market.supervisor, market.platform)
    return {who.name: amount for who in parties if (amount := market.balance(who))}


def check_closed(market: Market, claim_id: str) -> None:
    """Nothing stays in escrow, nothing appears or is lost, and the contract is claimed no more."""
    claim = market.claim_record(claim_id)
    assert market.coins(f"claim/{claim_id}") == {}
    assert (claim["escrow"], claim["deadline"]) == ([], "")
    assert market.total() == market.minted
    listing = market.listing(claim["listing"])
    assert (listing["claim"], listing["claimed"]) == ("", False)


@dataclass(frozen=True)
class End:
    """How a claim ends: its record then, who owns, and what claimant, owner and judge get."""

    state: str
    outcome: str
    owner: str
    claimant_gets: int
    owner_gets: int = 0
    judge_gets: int = 0


ENDS = {
    "the owner is silent": End("DECIDED", "claimant", "stranger", CLAIM_DEPOSIT),
    "the supervisor is silent": End("LAPSED", "", "seller", CLAIM_DEPOSIT, CLAIM_DEPOSIT),
    "for the claimant": End(
        "DECIDED", "claimant", "stranger", 2 * CLAIM_DEPOSIT - ARBITER_FEE, judge_gets=ARBITER_FEE
    ),
    "for the owner": End("DECIDED", "owner", "seller", 0, 2 * CLAIM_DEPOSIT - ARBITER_FEE, ARBITER_FEE),
}


def end(market: Market, claim_id: str, how: str) -> None:
    """Bring an open claim to its end."""
    if how == "the owner is silent":
        market.expire()
        enforce_claim(market, claim_id)
        return
    market.answer(claim_id)
    if how == "the supervisor is silent":
        market.expire()
        enforce_claim(market, claim_id)
    else:
        market.find_for(claim_id, how.removeprefix("for the "))


@pytest.mark.every_ledger
@pytest.mark.parametrize("how", ENDS)
def test_each_end_of_a_claim_pays_the_deposits_as_it_must(market: Market, how: str) -> None:
    address = market.list_data()["id"]
    claim_id = market.claim(address)
    assert list(market.coins(f"claim/{claim_id}").values()) == [CLAIM_DEPOSIT]
    assert market.listing(address)["claim"] == claim_id
    end(market, claim_id, how)
    expected = ENDS[how]
    record = market.claim_record(claim_id)
    assert (record["state"], record["outcome"]) == (expected.state, expected.outcome)
    due = {"stranger": expected.claimant_gets, "seller": expected.owner_gets, "supervisor": expected.judge_gets}
    assert held(market) == {name: amount for name, amount in due.items() if amount}
    listing = market.listing(address)
    state = "WITHDRAWN" if expected.owner == "stranger" else "LISTED"
    assert (listing["owner"], listing["state"]) == (actor(expected.owner).address, state)
    check_closed(market, claim_id)


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("state", ["PAID", "FUNDED"])
def test_a_trade_in_which_nothing_was_sent_ends_at_once_and_everything_goes_back(
    market: Market, state: str, how: str
) -> None:
    trade_id = market.bring_to(state)
    claim_id = market.claim(market.trade(trade_id)["listing"])
    trade = market.trade(trade_id)
    assert (trade["state"], trade["outcome"], trade["escrow"]) == ("REFUNDED", "claimed", [])
    back = {"buyer": PRICE + BOND} | ({"seller": FEE + BOND} if state == "FUNDED" else {})
    assert held(market) == back
    listing = market.listing(trade["listing"])
    assert (listing["state"], listing["trade"], listing["claimed"]) == ("LISTED", "", True)
    end(market, claim_id, how)
    check_closed(market, claim_id)


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("state", LATER)
def test_a_later_trade_that_settles_waits_with_its_price_for_the_end_of_the_claim(
    market: Market, state: str, how: str
) -> None:
    trade_id = market.bring_to(state)
    address = market.trade(trade_id)["listing"]
    claim_id = market.claim(address)
    assert market.trade(trade_id)["state"] == state
    if how != "the owner is silent":
        market.answer(claim_id)
    settle(market, trade_id)
    trade = market.trade(trade_id)
    assert trade["state"] == "SETTLED"
    listing = market.listing(address)
    assert (listing["state"], listing["owner"], listing["trade"]) == ("RESERVED", market.seller.address, trade_id)
    price = [entry for entry in market.claim_record(claim_id)["escrow"] if entry["role"] == "price"]
    assert [int(entry["amount"]) for entry in price] == [PRICE]
    before = held(market)
    if how == "the owner is silent" or how == "the supervisor is silent":
        market.expire()
        enforce_claim(market, claim_id)
    else:
        market.find_for(claim_id, how.removeprefix("for the "))
    won = ENDS[how].outcome == "claimant"
    after = held(market)
    gained = {name: after.get(name, 0) - before.get(name, 0) for name in ("buyer", "seller")}
    assert gained == {
        "buyer": PRICE if won else 0,
        "seller": ENDS[how].owner_gets + (0 if won else PRICE),
    }
    listing = market.listing(address)
    owner, kind = (market.stranger, "WITHDRAWN") if won else (market.buyer, "SOLD")
    assert (listing["owner"], listing["state"], listing["trade"]) == (owner.address, kind, "")
    check_closed(market, claim_id)


def settle(market: Market, trade_id: str) -> None:
    """Let the trade end as it does where it goes well, or as it does for the seller."""
    while market.trade(trade_id)["state"] not in ("SETTLED", "REFUNDED"):
        match market.trade(trade_id)["state"]:
            case "UPLOADED":
                market.act("trade.relay", trade_id)
            case "SENT" | "MATCHED":
                market.act("trade.confirm", trade_id)
            case "RECEIVED":
                market.act("trade.check", trade_id)
            case "MISMATCHED":
                market.act("trade.accept", trade_id)
            case "DISPUTED":
                market.act("trade.open", trade_id)
            case "EVIDENCED":
                market.act("trade.decide", trade_id, who=market.arbiter, decision="delivered")


@pytest.mark.parametrize("state", LATER)
def test_a_trade_that_runs_when_the_claimant_has_won_goes_on_and_its_price_goes_back(
    market: Market, state: str
) -> None:
    trade_id = market.bring_to(state)
    address = market.trade(trade_id)["listing"]
    claim_id = market.claim(address)
    market.answer(claim_id)
    market.find_for(claim_id, "claimant")
    listing = market.listing(address)
    assert (listing["owner"], listing["state"], listing["trade"]) == (market.stranger.address, "RESERVED", trade_id)
    settle(market, trade_id)
    trade = market.trade(trade_id)
    assert trade["state"] == "SETTLED"
    disputed = trade["outcome"] == "decided"
    won = {"stranger": 2 * CLAIM_DEPOSIT - ARBITER_FEE, "supervisor": ARBITER_FEE, "platform": FEE}
    bonds = {"buyer": 0, "seller": 2 * BOND - ARBITER_FEE} if disputed else {"buyer": BOND, "seller": BOND}
    assert held(market) == {"buyer": PRICE + bonds["buyer"], "seller": bonds["seller"], **won}
    listing = market.listing(address)
    assert (listing["owner"], listing["state"], listing["trade"]) == (market.stranger.address, "WITHDRAWN", "")
    check_closed(market, claim_id)


def test_a_friend_s_claim_saves_no_bond_of_who_is_found_at_fault(market: Market) -> None:
    """The seller has sent garbage; somebody of his claims, and nobody answers."""
    trade_id = market.bring_to("EVIDENCED")
    claim_id = market.claim(market.trade(trade_id)["listing"])
    market.expire()
    enforce_claim(market, claim_id)
    market.enforce(trade_id)
    market.act("trade.decide", trade_id, who=market.substitute)
    assert market.trade(trade_id)["outcome"] == "fault"
    assert market.balance(market.buyer) == PRICE + 2 * BOND - ARBITER_FEE
    assert market.balance(market.substitute) == ARBITER_FEE
    listing = market.listing(market.trade(trade_id)["listing"])
    assert (listing["owner"], listing["state"], listing["trade"]) == (market.stranger.address, "WITHDRAWN", "")
    check_closed(market, claim_id)


def test_a_second_claim_beside_a_trade_that_a_first_has_undone_holds_nothing(market: Market) -> None:
    trade_id = market.bring_to("MATCHED")
    address = market.trade(trade_id)["listing"]
    first = market.claim(address)
    market.answer(first)
    market.find_for(first, "claimant")
    other = actor("another who says so")
    market.open_account(other)
    second = market.claim(address, who=other)
    market.act("trade.confirm", trade_id)
    assert market.claim_record(second)["sale"] is None
    assert market.listing(address)["claim"] == second
    market.answer(second, who=market.stranger)
    market.find_for(second, "owner")
    assert market.listing(address)["owner"] == market.stranger.address
    check_closed(market, second)


@pytest.mark.parametrize("state", LATER)
def test_a_trade_goes_on_as_before_when_the_claim_has_failed(market: Market, state: str) -> None:
    trade_id = market.bring_to(state)
    claim_id = market.claim(market.trade(trade_id)["listing"])
    market.answer(claim_id)
    market.find_for(claim_id, "owner")
    settle(market, trade_id)
    assert market.trade(trade_id)["state"] == "SETTLED"
    assert market.listing(market.trade(trade_id)["listing"])["owner"] == market.buyer.address
    check_closed(market, claim_id)


def test_a_trade_that_fails_while_its_contract_is_claimed_frees_it_and_holds_nothing(market: Market) -> None:
    trade_id = market.bring_to("EVIDENCED")
    address = market.trade(trade_id)["listing"]
    claim_id = market.claim(address)
    market.act("trade.decide", trade_id, who=market.arbiter)
    assert market.trade(trade_id)["outcome"] == "fault"
    listing = market.listing(address)
    assert (listing["state"], listing["claim"]) == ("LISTED", claim_id)
    assert [entry["role"] for entry in market.claim_record(claim_id)["escrow"]] == ["claimant_deposit"]
    market.expire()
    enforce_claim(market, claim_id)
    assert market.listing(address)["owner"] == market.stranger.address
    check_closed(market, claim_id)


def test_a_contract_that_was_voided_while_it_was_claimed_stays_void(market: Market) -> None:
    trade_id = market.bring_to("EVIDENCED")
    address = market.trade(trade_id)["listing"]
    claim_id = market.claim(address)
    market.act("trade.decide", trade_id, who=market.arbiter, decision="misregistered")
    market.expire()
    enforce_claim(market, claim_id)
    listing = market.listing(address)
    assert (listing["state"], listing["owner"]) == ("VOID", market.stranger.address)
    check_closed(market, claim_id)


def contract_in(market: Market, state: ListingState) -> str:
    """A contract of the seller's, or once SOLD the buyer's, in a state that no trade holds."""
    address: str = market.list_data()["id"]
    if state is ListingState.SOLD:
        market.act("trade.confirm", market.bring_to("MATCHED", address))
    elif state is ListingState.WITHDRAWN:
        market.ask(market.seller, "listing.withdraw", {"listing": address})
    elif state is ListingState.PARTITIONED:
        market.split(address)
    return address


@pytest.mark.parametrize(
    "state", [ListingState.LISTED, ListingState.WITHDRAWN, ListingState.SOLD, ListingState.PARTITIONED]
)
def test_a_contract_can_be_claimed_in_every_state(market: Market, state: ListingState) -> None:
    address = contract_in(market, state)
    assert market.listing(address)["state"] == state
    owner = market.buyer if state is ListingState.SOLD else market.seller
    claim_id = market.claim(address)
    market.answer(claim_id, who=owner)
    market.find_for(claim_id, "claimant")
    listing = market.listing(address)
    after = ListingState.WITHDRAWN if state is ListingState.LISTED else state
    assert (listing["owner"], listing["state"]) == (market.stranger.address, after)
    check_closed(market, claim_id)
    if after is not ListingState.PARTITIONED:
        market.ask(market.stranger, "listing.relist", {"listing": address, "offer": offer()})
        assert market.listing(address)["state"] == "LISTED"


def test_a_contract_can_be_claimed_before_its_fee_is_paid(in_memory: Any) -> None:
    market = Market(in_memory, fees={"management": "100", "transaction_bps": 250, "arbiter": str(ARBITER_FEE)})
    address = market.list_data()["id"]
    claim_id = market.claim(address)
    market.expire()
    enforce_claim(market, claim_id)
    listing = market.listing(address)
    assert (listing["owner"], listing["state"]) == (market.stranger.address, "PENDING_FEE")
    # No way round the fee: it is due of the new owner.
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.stranger, "listing.relist", {"listing": address, "offer": offer()})
    fee = {"listing": address, "amount": "100"}
    market.ask(market.stranger, "listing.charge", fee, market.fund(market.stranger, 100))
    assert market.listing(address)["state"] == "LISTED"
    assert market.trade(market.pay(address))["seller"] == market.stranger.address


@pytest.mark.parametrize("state", [ListingState.LISTED, ListingState.SOLD])
def test_who_has_won_registers_his_own_data_and_sells_them(market: Market, state: ListingState) -> None:
    """What he has is not the thief's package, and no commitment of his."""
    address = contract_in(market, state)
    claim_id = market.claim(address)
    market.expire()
    enforce_claim(market, claim_id)
    assert market.listing(address)["awarded"] == claim_id
    with refused(ErrorCode.RELIST_EXISTING):
        market.list_data(market.stranger)
    new = market.list_data(market.stranger, overlaps=(address,))["id"]
    assert (market.listing(address)["state"], market.listing(new)["state"]) == ("PARTITIONED", "LISTED")
    trade_id = market.pay(new)
    for function in ("trade.charge", "trade.send"):
        market.act(function, trade_id, who=market.stranger)
    market.act("trade.relay", trade_id)
    market.act("trade.confirm", trade_id)
    assert market.listing(new)["owner"] == market.buyer.address
    # By then the bytes are the new contract's.
    with refused(ErrorCode.ALREADY_REGISTERED):
        market.list_data(market.seller, overlaps=())


def test_who_bought_a_contract_does_not_register_its_data_anew(market: Market) -> None:
    address = contract_in(market, ListingState.SOLD)
    with refused(ErrorCode.RELIST_EXISTING):
        market.list_data(market.buyer, overlaps=(address,))


def test_a_claimed_contract_cannot_be_paid_for_offered_relisted_split_or_claimed_again(market: Market) -> None:
    address = market.list_data()["id"]
    params = market.pay_params(address)
    market.claim(address)
    coins = market.fund(market.buyer, PRICE + BOND)
    with refused(ErrorCode.LISTING_CLAIMED):
        market.ask(market.buyer, "trade.pay", params, coins)
    with refused(ErrorCode.LISTING_CLAIMED):
        market.claim(address, who=market.buyer)
    with refused(ErrorCode.LISTING_CLAIMED):
        market.ask(market.seller, "listing.offer", {"listing": address, "offer": offer(PRICE + 1)})
    with refused(ErrorCode.LISTING_CLAIMED):
        market.split(address)
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    with refused(ErrorCode.LISTING_CLAIMED):
        market.ask(market.seller, "listing.relist", {"listing": address, "offer": offer()})


def test_a_claim_is_refused_to_the_owner_without_its_deposit_and_of_what_is_void(market: Market) -> None:
    address = market.list_data()["id"]
    with refused(ErrorCode.OWN_LISTING):
        market.claim(address, who=market.seller)
    with refused(ErrorCode.WRONG_AMOUNT):
        market.claim(address, deposit=str(CLAIM_DEPOSIT - 1))
    with refused(ErrorCode.UNKNOWN_LISTING):
        market.claim("dc1" + "a" * 52)
    trade_id = market.bring_to("EVIDENCED", address)
    market.act("trade.decide", trade_id, who=market.arbiter, decision="misregistered")
    with refused(ErrorCode.WRONG_STATE):
        market.claim(address)


def test_nobody_answers_or_decides_for_another_twice_or_too_late(market: Market) -> None:
    claim_id = market.claim(market.list_data()["id"])
    with refused(ErrorCode.WRONG_STATE):
        market.find_for(claim_id, "owner")
    with refused(ErrorCode.WRONG_ACTOR):
        market.answer(claim_id, who=market.buyer)
    with refused(ErrorCode.WRONG_AMOUNT):
        market.answer(claim_id, deposit=str(CLAIM_DEPOSIT + 1))
    with refused(ErrorCode.NOT_DUE):
        enforce_claim(market, claim_id)
    market.answer(claim_id)
    with refused(ErrorCode.WRONG_STATE):
        market.answer(claim_id)
    for who in (market.seller, market.stranger, market.platform, market.arbiter):
        with refused(ErrorCode.WRONG_ACTOR):
            market.find_for(claim_id, "owner", who=who)
    params = {"claim": claim_id, "decision": "owner", "reasons": market.claim_record(claim_id)["evidence"]["owner"]}
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.supervisor, "claim.decide", params, msp=PLATFORM)
    market.expire()
    with refused(ErrorCode.DEADLINE_PASSED):
        market.find_for(claim_id, "claimant")
    assert enforce_claim(market, claim_id)["state"] == "LAPSED"
    with refused(ErrorCode.WRONG_STATE):
        market.find_for(claim_id, "claimant")
    # Again without effect.
    assert enforce_claim(market, claim_id)["state"] == "LAPSED"
    with refused(ErrorCode.UNKNOWN_CLAIM):
        enforce_claim(market, "cl1" + "a" * 52)


def test_an_owner_who_is_too_late_has_lost(market: Market) -> None:
    claim_id = market.claim(market.list_data()["id"])
    market.expire()
    with refused(ErrorCode.DEADLINE_PASSED):
        market.answer(claim_id)
    assert enforce_claim(market, claim_id)["outcome"] == "claimant"


@pytest.mark.requirement("R18")
def test_the_supervisor_decides_no_claim_of_his_own_organisation(market: Market) -> None:
    inside = actor("insider", "SupervisorMSP")
    market.open_account(inside, sponsor="SupervisorMSP")
    address = market.list_data()["id"]
    for who in (inside, market.supervisor):
        with refused(ErrorCode.NOT_PERMITTED):
            market.claim(address, who=who)
    theirs = market.list_data(inside, b"another photo")["id"]
    with refused(ErrorCode.NOT_PERMITTED):
        market.claim(theirs)
    with refused(ErrorCode.NOT_PERMITTED):
        market.claim(address, who=market.platform)


@pytest.mark.requirement("R18")
def test_the_supervisor_answers_no_claim_for_what_was_recovered_to_him(market: Market) -> None:
    owner = actor("careless owner")
    market.open_account(owner, recovery=market.supervisor.address)
    address = market.list_data(owner)["id"]
    answered, address_2 = market.claim(address), market.list_data(owner, b"another photo")["id"]
    market.answer(answered, who=owner)
    open_still = market.claim(address_2)
    market.ask(market.supervisor, "account.recover", {"account": owner.address})
    market.expire(market.config["change_delay"])
    moved = {"listings": [address, address_2]}
    market.ask(market.supervisor, "account.recover", {"account": owner.address}, moved)
    with refused(ErrorCode.NOT_PERMITTED):
        market.answer(open_still, who=market.supervisor)
    with refused(ErrorCode.NOT_PERMITTED):
        market.find_for(answered, "owner")


@pytest.mark.requirement("R18")
def test_the_supervisor_decides_no_claim_of_what_he_is_buying(in_memory: Any) -> None:
    arbiters = [actor(name, TRADER).party() for name in ("third", "fourth")]
    market = Market(in_memory, arbiters=arbiters)
    trade_id = market.bring_to("SENT", who=market.supervisor)
    with refused(ErrorCode.NOT_PERMITTED):
        market.claim(market.trade(trade_id)["listing"])


def test_a_recovered_owner_answers_by_his_new_account(market: Market) -> None:
    spare, owner = actor("spare"), actor("careful owner")
    market.open_account(spare)
    market.open_account(owner, recovery=spare.address)
    address = market.list_data(owner)["id"]
    claim_id = market.claim(address)
    market.ask(spare, "account.recover", {"account": owner.address})
    market.expire(market.config["change_delay"])
    market.ask(spare, "account.recover", {"account": owner.address}, {"listings": [address]})
    with refused(ErrorCode.ACCOUNT_FROZEN):
        market.answer(claim_id, who=owner)
    market.answer(claim_id, who=spare)
    market.find_for(claim_id, "owner")
    assert market.listing(address)["owner"] == spare.address
    assert market.balance(spare) == 2 * CLAIM_DEPOSIT - ARBITER_FEE
    check_closed(market, claim_id)


def test_a_market_without_deposits_has_claims_all_the_same(in_memory: Any) -> None:
    free = {"management": "0", "transaction_bps": 250, "arbiter": "0"}
    market = Market(in_memory, fees=free, claims={"deposit": "0", "answer": 100, "decide": 100})
    claim_id = market.claim(market.list_data()["id"])
    market.answer(claim_id)
    market.find_for(claim_id, "claimant")
    assert market.claim_record(claim_id)["payouts"] == []
    check_closed(market, claim_id)


def test_what_held_when_a_claim_was_opened_holds_until_its_end(market: Market) -> None:
    assert {TradeState(state) for state in PATHS} == {state for state in TradeState if not state.final}
    claim_id = market.claim(market.list_data()["id"])
    before = market.claim_record(claim_id)
    market.answer(claim_id)
    market.find_for(claim_id, "owner")
    after = market.claim_record(claim_id)
    kept = ("claimant", "decider", "deposit", "arbiter_fee", "deadlines", "guard", "market_version", "opened_at")
    assert [after[name] for name in kept] == [before[name] for name in kept]
