"""Legal holds by the supervisor's order, and erasure by the owner: what stays, what goes, and what it is not for."""

from typing import Any

import pytest

from countermark.protocol.errors import ErrorCode
from countermark.protocol.transitions import LISTING_ACTS, ListingState
from tests.support.backends import Backend, Committed, InMemory
from tests.support.market import PLATFORM, SUPERVISOR, TRADER, Actor, Market, offer, refused

KEPT = {"address", "c_d", "c_exact", "c_f", "exact_key", "generator", "items", "overlaps", "owner", "seller", "state"}
"""Members of a contract's record that an erasure must leave alone."""


def order(market: Market, function: str, address: str, who: Actor | None = None, **changes: Any) -> Committed:
    return market.ask(who or market.supervisor, function, {"listing": address}, **changes)


def erase(market: Market, address: str, who: Actor | None = None, *, msp: str = PLATFORM) -> Committed:
    return market.ask(who or market.seller, "listing.erase", {"listing": address}, msp=msp)


def withdrawn(market: Market, data: bytes = b"photo") -> str:
    """Return a contract of the seller's that is off the market."""
    address: str = market.list_data(data=data)["id"]
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    return address


def answered(market: Market, address: str, organisation: str) -> Any:
    key = market.platform.encryption.public
    return market.backend.evaluate(organisation, "audit.opening", address, key, "1")


@pytest.mark.every_ledger
@pytest.mark.requirement("R15")
def test_erasure_purges_the_opening_from_both_peers_and_keeps_the_contract(market: Market) -> None:
    address = withdrawn(market)
    before = market.listing(address)
    for organisation in (PLATFORM, SUPERVISOR):
        assert answered(market, address, organisation)
    assert erase(market, address)["state"] == "WITHDRAWN"
    for organisation in (PLATFORM, SUPERVISOR):
        with refused(ErrorCode.UNKNOWN_LISTING):
            answered(market, address, organisation)
    after = market.listing(address)
    assert after == {**before, "erased": True}
    assert set(before) >= KEPT


def test_purged_is_the_opening_and_nothing_else(in_memory: InMemory) -> None:
    market = Market(in_memory)
    address, other = withdrawn(market), withdrawn(market, b"other photo")
    kept = {key: value for key, value in in_memory.ledger.private("fingerprints").items() if address not in key}
    assert f"opening/{other}" in kept
    erase(market, address)
    assert in_memory.ledger.private("fingerprints") == kept


def test_same_bytes_stay_registered_for_everybody_but_the_owner(market: Market) -> None:
    address = withdrawn(market)
    erase(market, address)
    with refused(ErrorCode.ALREADY_REGISTERED):
        market.list_data(market.stranger)
    anew = market.list_data(market.seller)["id"]
    assert anew != address
    with refused(ErrorCode.ALREADY_LISTED):
        market.list_data(market.seller)
    # Which of the two is meant by the same bytes now: the one that can be sold.
    assert market.records("exact/")[market.listing(anew)["exact_key"]] == {"listing": anew, "status": "LIVE"}
    trade = market.bring_to("SENT", anew)
    market.act("trade.confirm", trade)
    for who in (market.seller, market.stranger):
        with refused(ErrorCode.ALREADY_REGISTERED):
            market.list_data(who)


@pytest.mark.requirement("A-09")
def test_what_was_split_is_not_made_whole_by_erasing_it(market: Market) -> None:
    whole = market.list_data(data=b"collection")["id"]
    market.list_data(data=b"part", overlaps=(whole,))
    assert erase(market, whole)["state"] == "PARTITIONED"
    with refused(ErrorCode.ALREADY_LISTED):
        market.list_data(data=b"collection")


def test_erased_contract_is_never_listed_again(market: Market) -> None:
    address = withdrawn(market)
    erase(market, address)
    with refused(ErrorCode.NOT_FOR_SALE):
        market.ask(market.seller, "listing.relist", {"listing": address, "offer": offer()})
    with refused(ErrorCode.WRONG_STATE):
        erase(market, address)


def in_state(market: Market, state: ListingState) -> tuple[str, Actor]:
    """Return a contract that has come to `state`, and its owner."""
    if state is ListingState.RESERVED:
        return market.trade(market.bring_to("PAID"))["listing"], market.seller
    if state is ListingState.SOLD:
        trade = market.bring_to("SENT")
        market.act("trade.confirm", trade)
        return market.trade(trade)["listing"], market.buyer
    if state is ListingState.WITHDRAWN:
        return withdrawn(market), market.seller
    address = market.list_data()["id"]
    if state is ListingState.PARTITIONED:
        market.list_data(data=b"part", overlaps=(address,))
    if state is ListingState.VOID:
        market.expire()
        market.backend.submit(TRADER, "listing.enforce", address)
    return address, market.seller


@pytest.mark.parametrize("state", ListingState)
def test_only_what_is_off_the_market_is_erased(backend: Backend, state: ListingState) -> None:
    waits = state in (ListingState.PENDING_FEE, ListingState.VOID)
    fees = {"management": "90" if waits else "0", "transaction_bps": 250, "arbiter": "400"}
    market = Market(backend, fees=fees)
    address, owner = in_state(market, state)
    assert market.listing(address)["state"] == state
    if state in LISTING_ACTS["listing.erase"]:
        assert erase(market, address, owner)["state"] == state
        return
    with refused(ErrorCode.WRONG_STATE):
        erase(market, address, owner)


def test_only_the_owner_erases(market: Market) -> None:
    address, buyer = in_state(market, ListingState.SOLD)
    for who in (market.seller, market.stranger, market.platform, market.supervisor):
        with refused(ErrorCode.WRONG_ACTOR):
            erase(market, address, who, msp=who.msp if who.msp != TRADER else PLATFORM)
    # Where the platform does not submit it, the supervisor's gateway does.
    erase(market, address, buyer, msp=SUPERVISOR)


def test_clients_of_other_organisations_may_not_submit_an_erasure(market: Market) -> None:
    address = withdrawn(market)
    with refused(ErrorCode.NOT_PERMITTED):
        erase(market, address, msp=TRADER)


@pytest.mark.native_ledger
@pytest.mark.requirement("R18")
def test_a_legal_hold_stands_against_erasure_until_it_is_released(market: Market) -> None:
    address = withdrawn(market)
    assert order(market, "listing.hold", address)["state"] == "WITHDRAWN"
    assert market.listing(address)["held"] is True
    with refused(ErrorCode.LEGAL_HOLD):
        erase(market, address)
    assert answered(market, address, PLATFORM)
    order(market, "listing.release", address)
    assert "held" not in market.listing(address)
    erase(market, address)


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("function", ["listing.hold", "listing.release"])
def test_the_supervisor_alone_orders_and_ends_a_hold(market: Market, function: str) -> None:
    address = withdrawn(market)
    if function == "listing.release":
        order(market, "listing.hold", address)
    for who in (market.seller, market.stranger, market.platform):
        with refused(ErrorCode.NOT_PERMITTED):
            order(market, function, address, who)
    for who in (market.arbiter, market.seller):
        with refused(ErrorCode.WRONG_ACTOR):
            order(market, function, address, who, msp=SUPERVISOR)
    with refused(ErrorCode.NOT_PERMITTED):
        order(market, function, address, msp=PLATFORM)
    order(market, function, address)


@pytest.mark.requirement("A-08")
@pytest.mark.parametrize("winner", ["owner", "claimant"])
def test_what_is_claimed_is_not_erased_and_goes_to_whom_it_is_found_to_belong(market: Market, winner: str) -> None:
    address = withdrawn(market)
    claim = market.claim(address)
    market.answer(claim)
    with refused(ErrorCode.LISTING_CLAIMED):
        erase(market, address)
    market.find_for(claim, winner)
    owner, other = (market.seller, market.stranger) if winner == "owner" else (market.stranger, market.seller)
    with refused(ErrorCode.WRONG_ACTOR):
        erase(market, address, other)
    erase(market, address, owner)


@pytest.mark.requirement("A-08")
def test_who_wins_what_was_erased_before_he_claimed_it_begins_anew(market: Market) -> None:
    address = withdrawn(market)
    erase(market, address)
    market.find_for(market_answered(market, address), "claimant")
    assert market.listing(address)["owner"] == market.stranger.address
    with refused(ErrorCode.ALREADY_REGISTERED):
        market.list_data(market.seller)
    assert market.list_data(market.stranger)["state"] == "LISTED"


def market_answered(market: Market, address: str) -> str:
    claim = market.claim(address)
    market.answer(claim)
    return claim


def test_there_is_one_hold_at_most(market: Market) -> None:
    address = withdrawn(market)
    with refused(ErrorCode.WRONG_STATE):
        order(market, "listing.release", address)
    order(market, "listing.hold", address)
    with refused(ErrorCode.WRONG_STATE):
        order(market, "listing.hold", address)
    with refused(ErrorCode.UNKNOWN_LISTING):
        order(market, "listing.hold", "dc1" + "a" * 52)


def test_a_hold_stops_no_sale_and_goes_with_the_contract(market: Market) -> None:
    address = market.list_data()["id"]
    order(market, "listing.hold", address)
    trade = market.bring_to("SENT", address)
    market.act("trade.confirm", trade)
    assert (market.listing(address)["owner"], market.listing(address)["held"]) == (market.buyer.address, True)
    with refused(ErrorCode.LEGAL_HOLD):
        erase(market, address, market.buyer)
    market.ask(market.buyer, "listing.relist", {"listing": address, "offer": offer()})
    assert market.listing(address)["held"] is True


@pytest.mark.parametrize(("first", "second"), [("hold", "erase"), ("erase", "hold")])
def test_of_a_hold_and_an_erasure_at_once_the_second_fails(in_memory: InMemory, first: str, second: str) -> None:
    market = Market(in_memory)
    address = withdrawn(market)
    who = {"hold": (market.supervisor, SUPERVISOR), "erase": (market.seller, PLATFORM)}
    both = [
        in_memory.hold(
            who[name][1], f"listing.{name}", market.sign(who[name][0], f"listing.{name}", {"listing": address}), "{}"
        )
        for name in (first, second)
    ]
    assert [in_memory.release(one) for one in both] == ["VALID", "MVCC_READ_CONFLICT"]
    assert market.listing(address).get("erased", False) is (first == "erase")
