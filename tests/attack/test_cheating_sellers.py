"""What a seller tries who would be paid for data that are not what he sold (section IV.A of the paper)."""

from pathlib import Path

import pytest

from countermark.protocol.decisions import Finding
from countermark.protocol.errors import ErrorCode
from countermark.protocol.sealed import EncryptionKey
from tests.support.deal import Deal, picture
from tests.support.market import ARBITER_FEE, BOND, CLAIM_DEPOSIT, DEADLINE_S, FEE, PRICE, Market, offer, refused

AT_FAULT = {"buyer": PRICE + 2 * BOND - ARBITER_FEE, "seller": FEE, "arbiter": ARBITER_FEE}
"""Who has what in the end: the seller's bond pays the arbiter, and the rest of it the buyer."""

GARBAGE = bytes(n * n % 251 for n in range(50_000))


def check_at_fault(deal: Deal) -> None:
    assert deal.ended == ("REFUNDED", "fault")
    assert deal.held == AT_FAULT


@pytest.mark.requirement("R68")
def test_seller_fake_fingerprint_at_listing(market: Market, tmp_path: Path) -> None:
    """Nobody can see it when he lists; who buys and who decides make the fingerprint of the data themselves."""
    deal = Deal(market, tmp_path, fingerprinted=picture("rocket"))
    package = deal.sealed(deal.registered)
    deal.send(package)
    assert deal.receive(package)[0] == "bad"
    deal.act("trade.ack", verdict="bad")
    deal.dispute("mismatch")
    assert deal.decide(package) is Finding.FALSE_FINGERPRINT
    check_at_fault(deal)
    assert market.listing(deal.listing)["state"] == "VOID"
    with refused(ErrorCode.NOT_FOR_SALE):
        market.pay(deal.listing)


@pytest.mark.requirement("R69", "R73")
def test_seller_fabricated_data(market: Market, tmp_path: Path) -> None:
    deal = Deal(market, tmp_path)
    package = deal.sealed(picture("rocket"))
    deal.send(package)
    assert deal.receive(package)[0] == "bad"
    deal.act("trade.ack", verdict="bad")
    deal.dispute("mismatch")
    assert deal.decide(package) is Finding.OTHER_DATA
    check_at_fault(deal)
    assert market.listing(deal.listing)["state"] == "LISTED"


@pytest.mark.requirement("R69", "R75")
def test_seller_garbage_then_the_right_file(market: Market, tmp_path: Path) -> None:
    """What was transmitted first is judged; the right file later is a favour that the buyer may accept."""
    deal = Deal(market, tmp_path)
    garbage, right = deal.sealed(GARBAGE), deal.sealed(deal.registered)
    deal.send(garbage)
    with refused(ErrorCode.WRONG_STATE):
        deal.act("trade.send")
    assert deal.receive(garbage)[0] == "bad"
    deal.dispute("undecryptable")
    deal.send(right, "trade.remedy")
    with refused(ErrorCode.WRONG_ACTOR):
        deal.act("trade.accept", market.seller)
    assert deal.examine(right) is Finding.NO_BYTES, "it is not what he had committed to"
    assert deal.decide(garbage) is Finding.OTHER_DATA
    check_at_fault(deal)


DEGRADED = {
    "smaller": (lambda good: picture("astronaut", 128), "bad", Finding.OTHER_DATA),
    "other bytes": (lambda good: good + b"\0", "altered", Finding.ALTERED),
}
"""What is sent instead of the good file, what its buyer finds, and what the arbiter."""


@pytest.mark.requirement("R69", "R73")
@pytest.mark.parametrize("how", DEGRADED)
def test_seller_a_degraded_copy(market: Market, tmp_path: Path, how: str) -> None:
    """Like what was sold is not what was sold, unless the buyer takes it."""
    deal = Deal(market, tmp_path)
    degrade, verdict, finding = DEGRADED[how]
    package = deal.sealed(degrade(deal.registered))
    deal.send(package)
    assert deal.receive(package)[0] == verdict
    deal.act("trade.ack", verdict=verdict)
    deal.dispute("mismatch")
    assert deal.decide(package) is finding
    check_at_fault(deal)


@pytest.mark.requirement("R75", "R76")
def test_seller_never_sends(market: Market) -> None:
    trade = market.bring_to("FUNDED")
    listing = market.trade(trade)["listing"]
    market.expire()
    assert market.enforce(trade)["outcome"] == "no_show"
    assert market.balance(market.buyer) == PRICE + 2 * BOND, "his money, and the seller's bond"
    assert market.balance(market.seller) == FEE
    assert market.listing(listing)["state"] == "LISTED"


@pytest.mark.requirement("R69")
def test_seller_wraps_to_the_wrong_key(market: Market, tmp_path: Path) -> None:
    deal = Deal(market, tmp_path)
    package = deal.sealed(deal.registered, EncryptionKey.generate().public)
    deal.send(package)
    with refused(ErrorCode.PACKAGE_UNDECRYPTABLE):
        deal.receive(package)
    deal.dispute("undecryptable")
    assert deal.decide(package) is Finding.UNDECRYPTABLE
    check_at_fault(deal)


def test_seller_withdraws_or_reprices_under_the_buyer(market: Market) -> None:
    address = market.list_data()["id"]
    read = market.pay_params(address)
    market.ask(market.seller, "listing.offer", {"listing": address, "offer": offer(2 * PRICE)})
    coins = market.fund(market.buyer, 3 * PRICE)
    with refused(ErrorCode.STALE_OFFER):
        market.ask(market.buyer, "trade.pay", read, coins)
    assert market.balance(market.buyer) == 3 * PRICE, "no coin has moved"
    trade = market.ask(market.buyer, "trade.pay", market.pay_params(address), coins)["id"]
    for function, more in (
        ("listing.withdraw", {}),
        ("listing.offer", {"offer": offer(3 * PRICE, send=DEADLINE_S * 2)}),
        ("listing.relist", {"offer": offer(3 * PRICE)}),
    ):
        with refused(ErrorCode.WRONG_STATE):
            market.ask(market.seller, function, {"listing": address, **more})
    assert market.trade(trade)["price"] == str(2 * PRICE)
    for function in ("trade.charge", "trade.send", "trade.relay", "trade.confirm"):
        market.act(function, trade)
    assert market.listing(address)["owner"] == market.buyer.address


def test_seller_parks_a_stolen_item_with_an_accomplice(market: Market) -> None:
    """He has registered it first, and sold it to a friend: it is claimed from whoever has it, and stays in reach."""
    accomplice, owner = market.buyer, market.stranger
    address = market.list_data()["id"]
    market.act("trade.confirm", market.bring_to("MATCHED", address))
    assert market.listing(address)["owner"] == accomplice.address
    claim = market.claim(address, who=owner)
    with refused(ErrorCode.LISTING_CLAIMED):
        market.ask(accomplice, "listing.relist", {"listing": address, "offer": offer()})
    with refused(ErrorCode.LISTING_CLAIMED):
        market.list_data(accomplice, b"a part of it", overlaps=(address,))
    with refused(ErrorCode.LISTING_CLAIMED):
        market.claim(address, who=market.seller)
    market.answer(claim, who=accomplice)
    market.find_for(claim, "claimant")
    assert market.listing(address)["owner"] == owner.address
    # Now he sells what is his, and the friend's deposit has paid for it.
    own = market.list_data(owner, overlaps=(address,))["id"]
    assert market.listing(own)["state"] == "LISTED"
    assert market.balance(owner) == 2 * CLAIM_DEPOSIT - ARBITER_FEE
    assert market.balance(accomplice) == BOND
