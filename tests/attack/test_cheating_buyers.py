"""What a buyer tries who would have the data and keep the price, or somebody else's money."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from countermark.platform.relay.checking import consistent
from countermark.protocol import canonical, conduct
from countermark.protocol.conduct import Mark
from countermark.protocol.decisions import Finding
from countermark.protocol.errors import ErrorCode
from countermark.protocol.transitions import Actor as Role
from countermark.protocol.transitions import Outcome, TradeState
from tests.support.backends import InMemory
from tests.support.deal import Deal
from tests.support.market import ARBITER_FEE, BOND, PLATFORM, PRICE, SUPERVISOR, TRADER, Market, refused

LOST = {"buyer": 0, "seller": PRICE + 2 * BOND - ARBITER_FEE, "arbiter": ARBITER_FEE}
"""Who has what after a dispute that the buyer has lost: his bond pays the arbiter, and the rest of it the seller."""


@pytest.mark.requirement("R70", "R72")
def test_buyer_fake_fingerprint(market: Market, tmp_path: Path) -> None:
    """He says that he received something else: the notices differ, and the package shows who lies."""
    deal = Deal(market, tmp_path)
    package = deal.sealed(deal.registered)
    deal.send(package)
    verdict, root = deal.receive(package)
    assert verdict == "match"
    seller, _ = deal.notice(market.seller, root)
    fake, digest = deal.notice(market.buyer, os.urandom(32), "match")
    deal.act("trade.ack", notice=digest)
    deal.act("trade.check", result="match" if consistent(seller, fake) else "mismatch")
    assert deal.record["state"] == "MISMATCHED"
    deal.dispute("mismatch")
    assert deal.decide(package) is Finding.AS_REGISTERED
    assert deal.ended == ("SETTLED", "decided")
    assert deal.held == LOST


DENIALS = {
    "unavailable": ("supplied", {"buyer": BOND, "seller": PRICE + BOND, "arbiter": 0}),
    "undecryptable": ("decided", LOST),
}
"""What he says of a good package, how the trade ends, and who has what then."""


@pytest.mark.requirement("R67", "R74")
@pytest.mark.parametrize("reason", DENIALS)
def test_buyer_denies_receipt(market: Market, tmp_path: Path, reason: str) -> None:
    """The relayed bytes are good: whoever says that he got none gets them of the arbiter, and pays."""
    deal = Deal(market, tmp_path)
    package = deal.sealed(deal.registered)
    deal.send(package)
    deal.receive(package)
    deal.dispute(reason)
    assert deal.decide(package) is Finding.AS_REGISTERED
    outcome, held = DENIALS[reason]
    assert deal.ended == ("SETTLED", outcome)
    assert deal.held == held
    assert market.listing(deal.listing)["owner"] == market.buyer.address


@pytest.mark.requirement("R77")
@pytest.mark.parametrize("state", ["SENT", "MATCHED"])
def test_buyer_never_confirms(market: Market, state: str) -> None:
    trade = market.bring_to(state)
    market.expire()
    assert market.enforce(trade)["outcome"] == "auto_released"
    assert market.balance(market.seller) == PRICE + BOND
    with refused(ErrorCode.WRONG_STATE):
        market.act("trade.dispute", trade)


@pytest.mark.requirement("R74")
@pytest.mark.parametrize("state", ["MISMATCHED", "DISPUTED"])
def test_buyer_never_opens(market: Market, state: str) -> None:
    """Whoever complains and shows nothing loses price and bond."""
    trade = market.bring_to(state)
    while market.trade(trade)["state"] != "SETTLED":
        market.expire()
        market.enforce(trade)
    assert market.trade(trade)["outcome"] == "buyer_silent"
    assert market.balance(market.buyer) == 0
    assert market.balance(market.seller) == PRICE + 2 * BOND


@pytest.mark.requirement("R74")
def test_buyer_disputes_everything(market: Market) -> None:
    """Each dispute that he loses costs his bond, and everybody can count them."""
    ends: list[tuple[Role, TradeState, Outcome, int]] = []
    for number in range(3):
        trade = market.bring_to("EVIDENCED", market.list_data(data=b"%d" % number)["id"])
        market.act("trade.decide", trade, decision="delivered")
        record = market.trade(trade)
        ends.append((Role.BUYER, TradeState(record["state"]), Outcome(record["outcome"]), 1))
    assert market.balance(market.buyer) == 0
    assert market.balance(market.seller) == 3 * LOST["seller"]
    assert conduct.count(ends)[Mark.DISPUTE_LOST] == 3


def test_buyer_pays_twice_with_one_coin(market: Market, in_memory: InMemory) -> None:
    listings = [market.list_data(data=data)["id"] for data in (b"one", b"two", b"three")]
    coins = market.fund(market.buyer, PRICE + BOND)
    first, second, third = (market.sign(market.buyer, "trade.pay", market.pay_params(one)) for one in listings)
    attached = canonical.dumps(coins).decode()
    # Before either is ordered, and when one has been.
    held = [in_memory.hold(TRADER, "trade.pay", token, attached) for token in (first, second)]
    assert [in_memory.release(envelope) for envelope in held] == ["VALID", "MVCC_READ_CONFLICT"]
    for token in (second, third):
        with refused(ErrorCode.COIN_SPENT):
            market.send_token(token, "trade.pay", coins)
    assert [market.listing(one)["state"] for one in listings] == ["RESERVED", "LISTED", "LISTED"]
    assert market.total() == market.minted


def test_buyer_replays_anothers_intent(market: Market) -> None:
    """A seller was paid by somebody, and would be paid by the same signature again."""
    victim, thief = market.stranger, market.buyer
    coins: Sequence[str] = [market.mint(victim, 10), market.mint(victim, 10)]
    token = market.sign(victim, "coin.transfer", {"to": thief.address, "amount": "10"})
    market.send_token(token, "coin.transfer", {"coins": [coins[0]]})
    # Coins are the submitter's to name: he names the victim's other one, and any gateway.
    for msp in (TRADER, SUPERVISOR, PLATFORM):
        again = market.send_token(token, "coin.transfer", {"coins": [coins[1]]}, msp=msp)
        assert again.answer.get("replayed") is True
    with refused(ErrorCode.WRONG_ACTION):
        market.send_token(token, "coin.redeem", {"coins": [coins[1]]})
    # Signed as his own it moves what is his own alone.
    with refused(ErrorCode.COIN_NOT_YOURS):
        market.ask(thief, "coin.transfer", {"to": thief.address, "amount": "10"}, {"coins": [coins[1]]})
    assert (market.balance(victim), market.balance(thief)) == (10, 10)
