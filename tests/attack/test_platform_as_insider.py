"""What the platform could gain that holds its own keys, relays every package and takes every notice."""

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from countermark.protocol import canonical, conduct, jws
from countermark.protocol.conduct import Mark
from countermark.protocol.encoding import as_digest, b64u, unb64u
from countermark.protocol.errors import ErrorCode
from countermark.protocol.notices import TYP, Notice, parse_notice, sign_notice
from countermark.protocol.transitions import Actor as Role
from countermark.protocol.transitions import Outcome, TradeState
from tests.support.backends import InMemory
from tests.support.deal import Deal, application
from tests.support.market import (
    BOND,
    FEE,
    PLATFORM,
    PRICE,
    SUPERVISOR,
    TRADER,
    Market,
    actor,
    anything,
    offer,
    opening,
    refused,
)


def payload_of(token: str) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(unb64u(token.split(".")[1])))


def altered(token: str, members: dict[str, Any]) -> str:
    """A signed token with other `members` under the same signature."""
    head, _, signature = token.split(".")
    return f"{head}.{b64u(canonical.dumps(payload_of(token) | members))}.{signature}"


@pytest.mark.requirement("R67")
def test_platform_forges_a_notice(market: Market) -> None:
    """In the buyer's name, to have a trade checked as it likes: it lacks his signature on notice and digest."""
    trade = market.bring_to("SENT")
    record, own, name = market.trade(trade), market.platform.key, market.backend.market
    notice = Notice(
        role="buyer",
        trade=trade,
        seller=record["seller"],
        buyer=record["buyer"],
        listing=record["listing"],
        platform=own.address,
        fingerprint_root=as_digest(os.urandom(32)),
        claimed_at_ms=market.backend.now_ms,
        verdict="bad",
    )
    true, _ = sign_notice(market.buyer.key, notice, market=name)
    for forged, code in (
        (jws.sign(own, TYP, payload_of(true) | {"verdict": "match"}), ErrorCode.WRONG_ACTOR),
        (altered(true, {"verdict": "match"}), ErrorCode.BAD_SIGNATURE),
    ):
        with refused(code):
            parse_notice(forged, market=name, platform=own.address)
    with refused(ErrorCode.WRONG_ACTOR):
        market.act("trade.ack", trade, market.platform, notice=anything("forged"))
    assert parse_notice(true, market=name, platform=own.address).signer == market.buyer.address


def test_platform_withholds_a_relay_receipt(market: Market) -> None:
    """As if no bytes had come: everybody gets back what he paid, the platform nothing, and nobody is blamed."""
    trade = market.bring_to("UPLOADED")
    market.expire()
    assert market.enforce(trade)["outcome"] == "not_relayed"
    assert market.balance(market.buyer) == PRICE + BOND
    assert market.balance(market.seller) == FEE + BOND
    assert market.balance(market.platform) == 0
    told = conduct.count([(role, TradeState.REFUNDED, Outcome.NOT_RELAYED, 1) for role in (Role.BUYER, Role.SELLER)])
    assert told == dict.fromkeys(Mark, 0)


def test_platform_withholds_a_check(market: Market) -> None:
    """Then the buyer's word counts, and it is his to confirm; nothing falls to the platform by its delay."""
    trade = market.bring_to("RECEIVED")
    market.expire()
    assert market.enforce(trade)["state"] == "MATCHED"
    market.act("trade.confirm", trade)
    assert market.balance(market.seller) == PRICE + BOND
    assert market.listing(market.trade(trade)["listing"])["owner"] == market.buyer.address


def test_platform_withholds_an_acknowledgement(market: Market) -> None:
    """The buyer brings it to the ledger by any other organisation's gateway."""
    trade = market.bring_to("SENT")
    params = {"trade": trade, "verdict": "altered", "notice": anything("buyer's notice")}
    assert market.ask(market.buyer, "trade.ack", params, msp=SUPERVISOR)["state"] == "MISMATCHED"
    market.act("trade.dispute", trade)
    assert market.trade(trade)["dispute"]["by"] == "buyer"


@pytest.mark.requirement("R84")
def test_platform_reads_a_package(market: Market, tmp_path: Path) -> None:
    deal = Deal(market, tmp_path)
    data, package = deal.registered, deal.sealed(deal.registered)
    deal.send(package)
    assert not [at for at in range(0, len(data) - 32, 32) if data[at : at + 32] in package]
    assert deal.salts.salt_f not in package
    assert deal.salts.salt_exact not in package
    for who in (market.platform, market.supervisor, market.arbiter):
        deal.key = who.encryption
        with refused(ErrorCode.PACKAGE_UNDECRYPTABLE):
            deal.receive(package)


WRONG = {
    "FUNDED": {"trade.cancel": ErrorCode.WRONG_ACTOR, "trade.confirm": ErrorCode.WRONG_STATE},
    "MATCHED": {"trade.cancel": ErrorCode.WRONG_STATE, "trade.confirm": ErrorCode.WRONG_ACTOR},
}
"""By state, why the platform does not end a trade by these."""


@pytest.mark.requirement("R35")
@pytest.mark.parametrize("state", WRONG)
def test_platform_moves_escrow(market: Market, state: str) -> None:
    """By every function that pays with coins or ends a trade, with a coin of the escrow at hand."""
    trade = market.bring_to(state)
    held = market.coins(f"trade/{trade}")
    coins = {"coins": [next(iter(held))]}
    for who in (market.platform, market.issuer):
        for function, params in (
            ("coin.transfer", {"to": who.address, "amount": "1"}),
            ("coin.redeem", {"issuer": PLATFORM, "amount": "1"}),
        ):
            with refused(ErrorCode.COIN_NOT_YOURS):
                market.ask(who, function, params, coins)
        for function, code in WRONG[state].items():
            with refused(code):
                market.ask(who, function, {"trade": trade})
    with refused(ErrorCode.NOT_DUE):
        market.enforce(trade)
    assert market.coins(f"trade/{trade}") == held


def test_platform_mints(market: Market) -> None:
    """Only as the issuer that the market names, within his cap, once for each deposit, and for all to see."""
    to = {"to": market.platform.address, "amount": "10"}
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.platform, "coin.mint", {**to, "reference": "none"})
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.issuer, "coin.mint", {**to, "reference": "none"}, msp=TRADER)
    with refused(ErrorCode.ISSUER_CAP):
        market.ask(market.issuer, "coin.mint", {**to, "amount": "100000001", "reference": "none"})
    market.mint(market.platform, 10, "one")
    with refused(ErrorCode.DEPOSIT_USED):
        market.ask(market.issuer, "coin.mint", {**to, "reference": "one"})
    assert market.balance(market.platform) == 10
    deposit = market.records("deposit/")[f"{PLATFORM}/one"]
    assert (deposit["amount"], deposit["to"]) == ("10", market.platform.address)


def test_platform_lists_without_the_owner(market: Market) -> None:
    """It knows fingerprints and openings, and submits every application; offers are their owners' all the same."""
    sold = market.bring_to("MATCHED")
    market.act("trade.confirm", sold)
    address = market.trade(sold)["listing"]
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.platform, "listing.relist", {"listing": address, "offer": offer(1)})
    opened = opening(b"applied for")
    token = market.sign(market.seller, "listing.create", application(opened))
    cheaper = altered(token, {"params": application(opened, offer(1))})
    for signed, other, code in (
        (cheaper, opened, ErrorCode.BAD_SIGNATURE),
        (token, opening(b"applied for"), ErrorCode.COMMITMENT_MISMATCH),
    ):
        with refused(code):
            market.send_token(signed, "listing.create", msp=PLATFORM, transient={"opening": other.to_json()})
    assert list(market.records("listing/")) == [address]


def test_platform_decides_its_own_trade(market: Market) -> None:
    """It earns the fee of what settles: neither a party nor an arbiter can it be, and no dispute is its to decide."""
    with refused(ErrorCode.NOT_PERMITTED):
        market.pay(market.list_data(data=b"bought by the platform")["id"], market.platform)
    with refused(ErrorCode.NOT_PERMITTED):
        market.pay(market.list_data(market.platform, b"the platform's own")["id"])
    trade = market.bring_to("EVIDENCED", market.list_data(data=b"disputed")["id"])
    for who, msp in ((market.platform, PLATFORM), (market.platform, SUPERVISOR), (market.issuer, PLATFORM)):
        with refused(ErrorCode.WRONG_ACTOR):
            market.ask(who, "trade.decide", {"trade": trade, **market._usual("trade.decide", trade)}, msp=msp)
    clerk = actor("clerk", PLATFORM).party()
    with refused(ErrorCode.MARKET_INVALID):
        Market(InMemory(), arbiters=[clerk, *market.config["arbiters"]])
