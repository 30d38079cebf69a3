"""The epoch: an envelope that was endorsed and held back dies with the next tick."""

from typing import Any

import pytest

from countermark.chaincode.calling import ByIntent, EvaluateOnly, Open
from countermark.chaincode.registry import FUNCTIONS
from countermark.protocol import canonical, merkle
from countermark.protocol.encoding import as_digest
from countermark.protocol.errors import ErrorCode
from tests.support.backends import InMemory
from tests.support.market import (
    BOND,
    EPOCH_S,
    PRICE,
    TRADER,
    Actor,
    Market,
    actor,
    offer,
    opening,
    refused,
    tree,
)


def tick(market: Market) -> None:
    market.backend.submit(TRADER, "clock.tick")


def test_clock_ticks_once_the_epoch_has_passed(market: Market) -> None:
    with refused(ErrorCode.NOT_DUE):
        tick(market)
    market.backend.wait(EPOCH_S - 0.001)
    with refused(ErrorCode.NOT_DUE):
        tick(market)
    market.backend.wait(0.001)
    tick(market)
    assert market.backend.evaluate(TRADER, "clock.show")["n"] == 2
    with refused(ErrorCode.NOT_DUE):
        tick(market)


def prepare(market: Market, function: str) -> tuple[Actor, dict[str, Any], dict[str, list[str]]]:
    """What a good call of `function` needs, everything before it done."""
    if function in TRADE_STATES:
        trade_id = market.bring_to(TRADE_STATES[function])
        params = {"trade": trade_id, **market._usual(function, trade_id)}
        coins = market.fund(market.seller, 750) if function == "trade.charge" else {}
        return market._actor(function, trade_id), params, coins
    if function == "trade.pay":
        return (
            market.buyer,
            market.pay_params(market.list_data()["id"]),
            market.fund(market.buyer, PRICE + BOND),
        )
    if function in ("listing.offer", "listing.withdraw", "listing.relist"):
        params = {"listing": market.list_data()["id"]}
        if function == "listing.relist":
            market.ask(market.seller, "listing.withdraw", params)
        return market.seller, params if function == "listing.withdraw" else {**params, "offer": offer()}, {}
    key = {"key": market.seller.encryption.public, "version": 2}
    coins = market.fund(market.seller, 10)
    if function == "account.release":
        market.ask(market.supervisor, "account.freeze", {"account": market.stranger.address})
    simple: dict[str, tuple[Actor, dict[str, Any], dict[str, list[str]]]] = {
        "intent.cancel": (market.seller, {"nonce": "A" * 22}, {}),
        "account.open": (actor("newcomer"), {"encryption_key": {**key, "version": 1}}, {}),
        "account.rotate_encryption_key": (market.seller, {"encryption_key": key}, {}),
        "account.freeze": (market.supervisor, {"account": market.seller.address}, {}),
        "account.release": (market.supervisor, {"account": market.stranger.address}, {}),
        "coin.mint": (market.issuer, {"to": market.seller.address, "amount": "5", "reference": "x"}, {}),
        "coin.transfer": (market.seller, {"to": market.buyer.address, "amount": "10"}, coins),
        "coin.redeem": (market.seller, {"issuer": "PlatformMSP", "amount": "10"}, coins),
        "market.propose": (market.platform, {"config": {**market.config, "version": 2, "bond": "900"}}, {}),
        "board.anchor": (
            market.platform,
            {"size": 1, "root": as_digest(merkle.root(tree(1))), "proof": []},
            {},
        ),
    }
    return simple[function]


TRADE_STATES = {
    "trade.charge": "PAID",
    "trade.cancel": "FUNDED",
    "trade.send": "FUNDED",
    "trade.relay": "UPLOADED",
    "trade.ack": "SENT",
    "trade.check": "RECEIVED",
    "trade.confirm": "MATCHED",
    "trade.accept": "MISMATCHED",
    "trade.dispute": "MISMATCHED",
    "trade.open": "DISPUTED",
}
HELD = [
    *TRADE_STATES,
    *("trade.pay", "listing.offer", "listing.withdraw", "listing.relist", "intent.cancel", "account.open"),
    *(
        "account.rotate_encryption_key",
        "account.freeze",
        "account.release",
        "coin.mint",
        "coin.transfer",
        "coin.redeem",
    ),
    *("market.propose", "board.anchor"),
]


@pytest.mark.native_ledger
@pytest.mark.parametrize("function", HELD)
def test_envelope_held_over_a_tick_is_invalid(market: Market, function: str) -> None:
    who, params, attached = prepare(market, function)
    envelope = market.backend.hold(
        who.msp, function, market.sign(who, function, params), canonical.dumps(attached).decode()
    )
    market.backend.wait(EPOCH_S)
    tick(market)
    assert market.backend.release(envelope) == "MVCC_READ_CONFLICT"


@pytest.mark.native_ledger
@pytest.mark.parametrize("function", HELD)
def test_same_envelope_is_valid_within_its_epoch(market: Market, function: str) -> None:
    who, params, attached = prepare(market, function)
    token = market.sign(who, function, params)
    envelope = market.backend.hold(who.msp, function, token, canonical.dumps(attached).decode())
    assert market.backend.release(envelope) == "VALID"
    # And the intent in it has acted: again it only repeats its outcome.
    assert market.send_token(token, function, attached, msp=who.msp)["replayed"] is True


@pytest.mark.every_ledger
def test_held_enforcement_is_invalid_after_a_tick(market: Market) -> None:
    trade_id = market.bring_to("FUNDED")
    market.expire()
    envelope = market.backend.hold(TRADER, "trade.enforce", trade_id)
    tick(market)
    assert market.backend.release(envelope) == "MVCC_READ_CONFLICT"


def test_two_copies_of_one_intent_in_flight_act_once(market: Market) -> None:
    who, params, attached = prepare(market, "trade.pay")
    token, coins = market.sign(who, "trade.pay", params), canonical.dumps(attached).decode()
    first = market.backend.hold(TRADER, "trade.pay", token, coins)
    second = market.backend.hold(TRADER, "trade.pay", token, coins)
    assert market.backend.release(second) == "VALID"
    assert market.backend.release(first) == "MVCC_READ_CONFLICT"


@pytest.mark.every_ledger
@pytest.mark.requirement("R13")
def test_two_buyers_in_flight_only_the_first_gets_the_contract(market: Market) -> None:
    params = market.pay_params(market.list_data()["id"])
    envelopes = []
    for who in (market.buyer, market.stranger):
        coins = canonical.dumps(market.fund(who, PRICE + BOND)).decode()
        envelopes.append(market.backend.hold(TRADER, "trade.pay", market.sign(who, "trade.pay", params), coins))
    assert [market.backend.release(envelope) for envelope in envelopes] == ["VALID", "MVCC_READ_CONFLICT"]
    assert market.balance(market.stranger) == PRICE + BOND


@pytest.mark.every_ledger
@pytest.mark.requirement("R13")
def test_purchases_of_different_contracts_never_conflict(market: Market) -> None:
    envelopes = []
    for number in range(5):
        params = market.pay_params(market.list_data(data=b"%d" % number)["id"])
        coins = canonical.dumps(market.fund(market.buyer, PRICE + BOND)).decode()
        token = market.sign(market.buyer, "trade.pay", params)
        envelopes.append(market.backend.hold(TRADER, "trade.pay", token, coins))
    assert {market.backend.release(envelope) for envelope in envelopes} == {"VALID"}


def test_same_thing_registered_twice_in_flight_passes_once(in_memory: InMemory) -> None:
    market = Market(in_memory)
    held = []
    for who in (market.seller, market.stranger):
        opened, params = _registration()
        args = (market.sign(who, "listing.create", params), "{}")
        held.append(in_memory.ledger.endorse("PlatformMSP", "listing.create", *args, transient={"opening": opened}))
    assert [in_memory.release(result) for result in held] == ["VALID", "MVCC_READ_CONFLICT"]


def _registration() -> tuple[bytes, dict[str, Any]]:
    opened = opening(b"same photo")
    committed = opened.commitments()
    params = {
        "c_f": committed.c_f,
        "c_d": committed.c_d,
        "c_exact": committed.c_exact,
        "items": 1,
        "generator": "image/v1",
        "offer": offer(),
    }
    return opened.to_json(), params


def test_every_writing_function_is_held_here_or_explained() -> None:
    writing = {name for name, function in FUNCTIONS.items() if isinstance(function, ByIntent | Open)}
    # These read the epoch on the same way through `calling` and need a longer story to be called at all.
    others = {
        *("account.recover", "account.veto", "coin.burn", "listing.create", "listing.charge", "market.approve"),
        *("market.enforce", "clock.tick", "coin.enforce", "listing.enforce", "trade.enforce"),
    }
    assert writing == set(HELD) | others
    assert {name for name, function in FUNCTIONS.items() if isinstance(function, EvaluateOnly)} == {
        name for name in FUNCTIONS if name.endswith(".show") or name.startswith("audit.")
    }
