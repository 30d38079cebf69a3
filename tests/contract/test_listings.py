"""Contracts: one for each data, commitments recomputed from their opening, offers in versions."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from countermark.protocol import sealed
from countermark.protocol.commitments import Opening
from countermark.protocol.encoding import b64u, base32
from countermark.protocol.errors import ErrorCode
from tests.support.backends import Backend, InMemory
from tests.support.market import (
    DEADLINE_S,
    GUARD_S,
    PLATFORM,
    SUPERVISOR,
    TRADER,
    Market,
    offer,
    opening,
    refused,
)


def params_of(opened: Opening, **changes: Any) -> dict[str, Any]:
    committed = opened.commitments()
    return {
        "c_f": committed.c_f,
        "c_d": committed.c_d,
        "c_exact": committed.c_exact,
        "items": opened.items,
        "generator": "image/v1",
        "offer": offer(),
        **changes,
    }


def create(market: Market, params: dict[str, Any], secret: bytes, **attached: Any) -> str:
    listing_id: str = market.ask(
        market.seller, "listing.create", params, attached, msp=PLATFORM, transient={"opening": secret}
    )["id"]
    return listing_id


@pytest.mark.requirement("R9")
@pytest.mark.requirement("R10")
@pytest.mark.requirement("R27")
def test_contract_has_an_address_its_commitments_and_no_key(market: Market) -> None:
    opened = opening(b"photo", title="A photo")
    nonce = b64u(b"n" * 16)
    params, transient = params_of(opened), {"opening": opened.to_json()}
    made = market.ask(market.seller, "listing.create", params, msp=PLATFORM, transient=transient, nonce=nonce)
    address: str = made["id"]
    record = market.listing(address)
    # Nothing but what the seller has signed, each part after its length.
    parts = [market.backend.market, params["c_f"], market.seller.address, nonce]
    signed = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in parts)
    assert address == "dc1" + base32(hashlib.sha256(b"dc1" + signed).digest())
    assert record["owner"] == record["seller"] == market.seller.address
    assert record["state"] == "LISTED"
    assert (record["c_f"], record["c_d"], record["c_exact"]) == (
        opened.commitments().c_f,
        opened.commitments().c_d,
        opened.commitments().c_exact,
    )


@pytest.mark.requirement("R85")
@pytest.mark.requirement("R34")
def test_public_state_shows_nothing_of_the_opening(in_memory: InMemory) -> None:
    market, ledger = Market(in_memory), in_memory.ledger
    opened = opening(b"photo", title="canary-title")
    address = create(market, params_of(opened), opened.to_json())
    public = b"".join(ledger.state.values()) + b"".join(event.payload for _, event in ledger.events)
    secrets = [opened.root, opened.exact, opened.salt_f, opened.salt_d, opened.salt_exact]
    for secret in [*(secret.hex().encode() for secret in secrets), b"canary-title"]:
        assert secret not in public
    assert ledger.private("fingerprints")[f"opening/{address}"] == opened.to_json()


@pytest.mark.native_ledger
@pytest.mark.requirement("R15")
def test_opening_is_answered_sealed_to_platform_and_supervisor_only(market: Market) -> None:
    opened = opening(b"photo")
    address = create(market, params_of(opened), opened.to_json())
    for who in (market.platform, market.supervisor):
        answer = market.backend.evaluate(who.msp, "audit.opening", address, who.encryption.public, "1")
        assert opened.root.hex() not in json.dumps(answer)
        found = sealed.open_sealed({1: who.encryption}, answer, kind="opening", market=market.backend.market)
        assert found == opened.to_json()
    with refused(ErrorCode.NOT_PERMITTED):
        market.backend.evaluate(TRADER, "audit.opening", address, market.stranger.encryption.public, "1")
    with refused(ErrorCode.UNKNOWN_LISTING):
        market.backend.evaluate(PLATFORM, "audit.opening", "dc1" + "a" * 52, market.platform.encryption.public, "1")
    with refused(ErrorCode.MALFORMED_REQUEST):
        market.backend.evaluate(PLATFORM, "audit.opening", address, market.platform.encryption.public, "x")


OPENED = opening(b"photo")
MISMATCHES = {
    "another fingerprint": replace(OPENED, root=bytes(32)),
    "another exact digest": replace(OPENED, exact=bytes(32)),
    "another description": replace(OPENED, description=replace(OPENED.description, title="x")),
    "another salt": replace(OPENED, salt_f=bytes(32)),
}


@pytest.mark.parametrize("what", MISMATCHES)
def test_opening_that_does_not_give_the_commitments_is_refused(market: Market, what: str) -> None:
    with refused(ErrorCode.COMMITMENT_MISMATCH):
        create(market, params_of(OPENED), MISMATCHES[what].to_json())


@pytest.mark.requirement("R24")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"generator": "image/unknown"}, ErrorCode.UNKNOWN_GENERATOR),
        ({"offer": offer(send=9)}, ErrorCode.WRONG_DEADLINES),
        ({"items": 2}, ErrorCode.COMMITMENT_MISMATCH),
    ],
)
def test_listing_outside_the_markets_rules_is_refused(
    market: Market, changes: dict[str, Any], code: ErrorCode
) -> None:
    with refused(code):
        create(market, params_of(OPENED, **changes), OPENED.to_json())


def test_listing_of_too_many_items_is_refused(market: Market) -> None:
    many = replace(OPENED, items=11, description=replace(OPENED.description, items=11))
    with refused(ErrorCode.TOO_MANY_ITEMS):
        create(market, params_of(many), many.to_json())


def test_too_long_a_description_is_refused(backend: Backend) -> None:
    limits = {"items": 10, "fingerprint_bytes": 65_536, "description_bytes": 100, "package_bytes": 1_000_000}
    market = Market(backend, limits=limits)
    wordy = replace(OPENED, description=replace(OPENED.description, text="word " * 30))
    with refused(ErrorCode.DESCRIPTION_MALFORMED):
        create(market, params_of(wordy), wordy.to_json())


@pytest.mark.parametrize("secret", [b"", b"{}", b"not json", b'{"root": 1}'])
def test_malformed_opening_is_refused(market: Market, secret: bytes) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        create(market, params_of(OPENED), secret)


def test_listing_without_opening_is_refused(market: Market) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        market.ask(market.seller, "listing.create", params_of(OPENED), msp=PLATFORM)


@pytest.mark.requirement("R26")
def test_nobody_lists_past_the_platforms_gate(market: Market) -> None:
    for msp in (TRADER, SUPERVISOR):
        with refused(ErrorCode.NOT_PERMITTED):
            market.list_data(msp=msp)


@pytest.mark.every_ledger
@pytest.mark.requirement("R9")
@pytest.mark.requirement("R65")
def test_exact_copy_is_refused_whatever_its_salts(market: Market) -> None:
    market.list_data(market.seller, b"photo")
    with refused(ErrorCode.ALREADY_REGISTERED):
        market.list_data(market.stranger, b"photo")


@pytest.mark.requirement("R65")
def test_seller_cannot_register_again_what_he_has_sold(market: Market) -> None:
    trade_id = market.bring_to("SENT")
    market.act("trade.confirm", trade_id)
    with refused(ErrorCode.ALREADY_REGISTERED):
        market.list_data(market.seller, b"photo")
    with refused(ErrorCode.RELIST_EXISTING):
        market.list_data(market.buyer, b"photo")


@pytest.mark.requirement("R26")
def test_owner_who_registers_again_is_told_to_relist_or_that_it_is_listed(market: Market) -> None:
    address = market.list_data()["id"]
    with refused(ErrorCode.ALREADY_LISTED):
        market.list_data()
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    with refused(ErrorCode.RELIST_EXISTING):
        market.list_data()


def test_exact_key_is_no_oracle_without_the_pepper(market: Market) -> None:
    address = market.list_data(data=b"photo")["id"]
    key = market.listing(address)["exact_key"]
    bare = hashlib.sha256(b"photo").hexdigest()
    assert key not in (bare, hashlib.sha256(bytes.fromhex(bare)).hexdigest())
    assert market.records("exact/")[key] == {"listing": address, "status": "LIVE"}


@pytest.mark.requirement("A-09")
def test_a_contract_whose_part_is_registered_is_split_and_never_sold_whole_again(market: Market) -> None:
    other = market.list_data(data=b"other")["id"]
    market.ask(market.seller, "listing.withdraw", {"listing": other})
    address = create(market, params_of(OPENED), OPENED.to_json(), overlaps=[other, other])
    assert market.listing(address)["overlaps"] == [other]
    assert market.listing(other)["state"] == "PARTITIONED"
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.seller, "listing.relist", {"listing": other, "offer": offer()})
    with refused(ErrorCode.ALREADY_LISTED):
        market.list_data(data=b"other")


def test_somebody_elses_contract_is_not_split(market: Market) -> None:
    other = market.list_data(data=b"other", who=market.stranger)["id"]
    with refused(ErrorCode.WRONG_ACTOR):
        create(market, params_of(OPENED), OPENED.to_json(), overlaps=[other])


def test_a_contract_that_is_being_bought_is_not_split(market: Market) -> None:
    other = market.list_data(data=b"other")["id"]
    market.pay(other)
    with refused(ErrorCode.WRONG_STATE):
        create(market, params_of(OPENED), OPENED.to_json(), overlaps=[other])


@pytest.fixture
def paying(backend: Backend) -> Market:
    """A market that asks for a management fee of 90."""
    return Market(backend, fees={"management": "90", "transaction_bps": 250, "arbiter": "400"})


def charge(market: Market, address: str, amount: int = 90) -> None:
    params = {"listing": address, "amount": str(amount)}
    market.ask(market.seller, "listing.charge", params, market.fund(market.seller, amount))


@pytest.mark.native_ledger
@pytest.mark.requirement("R29")
def test_management_fee_puts_the_listing_on_the_market(paying: Market) -> None:
    address = paying.list_data()["id"]
    assert paying.listing(address)["state"] == "PENDING_FEE"
    with refused(ErrorCode.NOT_FOR_SALE):
        paying.pay(address)
    with refused(ErrorCode.WRONG_AMOUNT):
        charge(paying, address, 89)
    charge(paying, address)
    assert paying.listing(address)["state"] == "LISTED"
    assert paying.balance(paying.platform) == 90
    with refused(ErrorCode.WRONG_STATE):
        charge(paying, address)


@pytest.mark.requirement("R29")
def test_without_a_management_fee_there_is_nothing_to_charge(market: Market) -> None:
    address = market.list_data()["id"]
    with refused(ErrorCode.WRONG_STATE):
        charge(market, address, 0)


@pytest.mark.native_ledger
def test_unpaid_listing_is_void_and_its_exact_key_may_be_taken_over(paying: Market) -> None:
    address = paying.list_data()["id"]
    paying.backend.wait(DEADLINE_S + GUARD_S - 0.001)
    with refused(ErrorCode.DEADLINE_PASSED):
        charge(paying, address)
    with refused(ErrorCode.NOT_DUE):
        paying.backend.submit(TRADER, "listing.enforce", address)
    paying.backend.wait(0.001)
    assert paying.backend.submit(TRADER, "listing.enforce", address)["state"] == "VOID"
    assert paying.backend.submit(TRADER, "listing.enforce", address)["replayed"] is True
    taken = paying.list_data(paying.stranger)["id"]
    assert paying.records("exact/")[paying.listing(taken)["exact_key"]] == {"listing": taken, "status": "LIVE"}


def test_listed_contract_has_no_deadline_to_enforce(market: Market) -> None:
    with refused(ErrorCode.WRONG_STATE):
        market.backend.submit(TRADER, "listing.enforce", market.list_data()["id"])


@pytest.mark.parametrize("function", ["listing.offer", "listing.withdraw", "listing.relist", "listing.charge"])
def test_only_the_owner_changes_a_listing(market: Market, function: str) -> None:
    params: dict[str, Any] = {"listing": market.list_data()["id"]}
    if function in ("listing.offer", "listing.relist"):
        params["offer"] = offer()
    elif function == "listing.charge":
        params["amount"] = "0"
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.stranger, function, params)


@pytest.mark.requirement("R28")
def test_every_offer_has_its_own_version(market: Market) -> None:
    address = market.list_data()["id"]
    market.ask(market.seller, "listing.offer", {"listing": address, "offer": offer(5)})
    assert market.listing(address)["offer"] == {**offer(5), "version": 2}
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    with refused(ErrorCode.WRONG_STATE):
        market.ask(market.seller, "listing.offer", {"listing": address, "offer": offer(6)})
    market.ask(market.seller, "listing.relist", {"listing": address, "offer": offer(6)})
    assert market.listing(address)["offer"]["version"] == 3


def test_reserved_contract_can_be_neither_changed_nor_withdrawn(market: Market) -> None:
    address = market.list_data()["id"]
    market.pay(address)
    for function, params in (
        ("listing.withdraw", {"listing": address}),
        ("listing.offer", {"listing": address, "offer": offer(1)}),
        ("listing.relist", {"listing": address, "offer": offer(1)}),
    ):
        with refused(ErrorCode.WRONG_STATE):
            market.ask(market.seller, function, params)


@pytest.mark.requirement("R2")
def test_old_owner_has_no_power_after_the_sale(market: Market) -> None:
    trade_id = market.bring_to("SENT")
    market.act("trade.confirm", trade_id)
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.seller, "listing.relist", {"listing": market.trade(trade_id)["listing"], "offer": offer()})


def test_refunded_contract_is_bought_again(market: Market) -> None:
    address = market.list_data()["id"]
    first = market.pay(address)
    market.act("trade.cancel", first)
    assert market.pay(address, market.stranger) != first
    assert market.total() == market.minted


def test_history_tells_who_owned_the_contract(market: Market) -> None:
    trade_id = market.bring_to("SENT")
    market.act("trade.confirm", trade_id)
    story = market.backend.evaluate(SUPERVISOR, "audit.listing", market.trade(trade_id)["listing"])
    assert [(step["state"], step["owner"]) for step in story["history"]] == [
        ("SOLD", market.buyer.address),
        ("RESERVED", market.seller.address),
        ("LISTED", market.seller.address),
    ]
