"""Steps (4) to (6): what is refused, what is recorded, and that ledger and table never disagree."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from countermark.platform.contracts.clearing import ClearingJob
from countermark.platform.contracts.deposit import DepositJob, object_name
from countermark.platform.contracts.publication import PublicationJob
from countermark.platform.matching.allowance import Allowance
from countermark.platform.store import tables
from countermark.platform.store.outbox import State
from countermark.platform.store.quotas import Quota
from countermark.protocol import canonical, commitments
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import open_sealed
from tests.support.market import Actor, actor
from tests.support.pictures import EDITS, NAMES, fingerprint, photo
from tests.support.platform import MARKET, World, application, sealed


def _refused(world: World, who: Actor, *items: Any, **changes: Any) -> MarketError:
    with pytest.raises(MarketError) as caught:
        world.register(who, *items, **changes)
    return caught.value


def _refusals(most: int, window_ms: int) -> Allowance:
    return Allowance(refusals=Quota("refused_listing", most=most, window_ms=window_ms))


@pytest.mark.requirement("R27")
@pytest.mark.requirement("R15")
def test_an_allowed_registration_stands_on_the_ledger_and_in_the_table(world: World) -> None:
    registered = world.register(world.market.seller, fingerprint(photo("astronaut")), title="Eileen Collins")
    assert world.market.listing(registered.address)["state"] == "LISTED"
    (row,) = world.rows(tables.data_contracts)
    assert (row.address, row.owner, row.state) == (registered.address, world.market.seller.address, "LISTED")
    assert world.columns.description(row).title == "Eileen Collins"
    assert world.columns.opening(row).commitments().c_f == row.record["c_f"]
    assert (
        commitments.commit("d", world.columns.salt_d(row), world.columns.description(row).to_bytes())
        == (row.record["c_d"])
    )


@pytest.mark.requirement("R25")
@pytest.mark.requirement("R65")
@pytest.mark.requirement("R63")
@pytest.mark.parametrize("edit", EDITS)
def test_a_registered_photo_and_light_edits_of_it_are_refused_to_others(world: World, edit: str) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    error = _refused(world, world.market.stranger, fingerprint(EDITS[edit](photo("chelsea")), quality=30))
    assert error.code is ErrorCode.SIMILAR_REGISTERED


@pytest.mark.requirement("R25")
def test_different_photos_are_accepted(world: World) -> None:
    addresses = {world.register(world.market.seller, fingerprint(photo(name))).address for name in NAMES}
    assert len(addresses) == len(NAMES)


@pytest.mark.requirement("R9")
def test_the_same_bytes_are_refused_even_when_the_fingerprints_are_forged_to_differ(world: World) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")), data=b"the same file")
    error = _refused(world, world.market.stranger, fingerprint(photo("rocket")), data=b"the same file")
    assert error.code is ErrorCode.SIMILAR_REGISTERED


@pytest.mark.requirement("A-04")
def test_a_refusal_tells_a_case_number_and_nothing_of_what_matched(world: World) -> None:
    registered = world.register(world.market.seller, fingerprint(photo("chelsea")))
    error = _refused(world, world.market.stranger, fingerprint(photo("chelsea")))
    (refusal,) = [row for row in world.rows(tables.registrations) if row.decision == "similar_registered"]
    assert error.detail == f"case {refusal.case_number}"
    assert registered.address.encode() not in refusal.matched
    assert refusal.config == "image/v1+4"
    assert (refusal.request_id, refusal.existing) == (None, "")


@pytest.mark.requirement("R26")
def test_ones_own_listed_data_are_already_listed(world: World) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    assert _refused(world, world.market.seller, fingerprint(photo("chelsea"))).code is ErrorCode.ALREADY_LISTED


@pytest.mark.requirement("R26")
def test_ones_own_withdrawn_data_are_to_be_relisted_on_the_same_contract(world: World) -> None:
    registered = world.register(world.market.seller, fingerprint(photo("chelsea")))
    world.market.ask(world.market.seller, "listing.withdraw", {"listing": registered.address})
    error = _refused(world, world.market.seller, fingerprint(photo("chelsea")))
    assert error.code is ErrorCode.RELIST_EXISTING
    assert registered.address in error.detail


@pytest.mark.requirement("R65")
def test_who_sold_the_data_cannot_register_them_again_and_who_bought_them_relists(world: World) -> None:
    market = world.market
    registered = world.register(market.seller, fingerprint(photo("chelsea")))
    trade = market.bring_to("MATCHED", registered.address)
    market.act("trade.confirm", trade)
    assert _refused(world, market.seller, fingerprint(photo("chelsea"))).code is ErrorCode.SIMILAR_REGISTERED
    assert _refused(world, market.buyer, fingerprint(photo("chelsea"))).code is ErrorCode.RELIST_EXISTING


def test_void_contracts_count_for_nothing(database: Any, tmp_path: Any) -> None:
    world = World(database, tmp_path, {"fees": {"management": "100", "transaction_bps": 250, "arbiter": "400"}})
    registered = world.register(world.market.seller, fingerprint(photo("chelsea")), data=b"one")
    assert world.market.listing(registered.address)["state"] == "PENDING_FEE"
    assert _refused(world, world.market.stranger, fingerprint(photo("chelsea"))).code is ErrorCode.SIMILAR_REGISTERED
    world.market.expire()
    world.market.backend.submit("TraderMSP", "listing.enforce", registered.address)
    assert world.market.listing(registered.address)["state"] == "VOID"
    world.register(world.market.stranger, fingerprint(photo("chelsea")), data=b"two")


def test_a_collection_that_holds_one_registered_photo_is_refused(world: World) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    error = _refused(world, world.market.stranger, fingerprint(photo("rocket")), fingerprint(photo("chelsea")))
    assert error.code is ErrorCode.SIMILAR_REGISTERED


@pytest.mark.requirement("R27")
def test_the_same_intent_again_gets_the_same_registration(world: World) -> None:
    message = application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    first = world.registration().register(message)
    second = world.registration().register(message)
    assert (first.address, first.case_number, first.entry.tx_id) == (
        second.address,
        second.case_number,
        second.entry.tx_id,
    )
    assert len(world.rows(tables.registrations)) == 1


@pytest.mark.requirement("R27")
def test_the_same_intent_long_after_still_gets_the_same_registration(world: World) -> None:
    message = application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    first = world.registration().register(message)
    world.drive(first.entry)
    world.wait(7 * 86_400)
    again = world.registration(allowance=_refusals(0, 1000)).register(message)
    assert (again.address, again.case_number) == (first.address, first.case_number)
    assert again.entry.state is State.COMMITTED


def test_the_same_refused_intent_long_after_gets_the_same_case(world: World) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    message = application(world.market.stranger, fingerprint(photo("chelsea")), now_ms=world.clock())
    details = []
    for _ in range(2):
        with pytest.raises(MarketError) as refused:
            world.registration().register(message)
        details.append(refused.value.detail)
        world.wait(7 * 86_400)
    assert details[0] == details[1]


def test_another_application_under_the_same_nonce_is_refused(world: World) -> None:
    nonce = b64u(b"n" * 16)
    world.register(world.market.seller, fingerprint(photo("chelsea")), nonce=nonce)
    error = _refused(world, world.market.seller, fingerprint(photo("rocket")), nonce=nonce)
    assert error.code is ErrorCode.INTENT_REPLAYED


@pytest.mark.requirement("R27")
def test_a_registration_that_waits_for_the_ledger_refuses_the_same_photo(world: World) -> None:
    service = world.registration()
    service.register(application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock()))
    with pytest.raises(MarketError) as caught:
        service.register(application(world.market.stranger, fingerprint(photo("chelsea")), now_ms=world.clock()))
    assert caught.value.code is ErrorCode.SIMILAR_REGISTERED
    with pytest.raises(MarketError) as caught:
        service.register(application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock()))
    assert caught.value.code is ErrorCode.ALREADY_REGISTERED


@pytest.mark.requirement("R27")
def test_a_process_that_dies_after_the_gate_leaves_a_registration_that_a_worker_finishes(world: World) -> None:
    message = application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    registered = world.registration().register(message)
    # The process is gone: nobody drives the entry until its lease has run out.
    with world.database.begin() as connection:
        connection.execute(tables.outbox.update().values(lease_until_ms=0))
    assert world.submitter.run_once() == 1
    assert world.market.listing(registered.address)["state"] == "LISTED"


@pytest.mark.requirement("R27")
@pytest.mark.parametrize("point", ["insert", "enqueue"])
def test_a_process_that_dies_inside_the_gate_leaves_nothing_and_holds_nobody_up(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def die(*_args: object, **_named: object) -> None:
        raise SystemExit

    monkeypatch.setattr(world.columns if point == "insert" else world.outbox, point, die)
    message = application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    with pytest.raises(SystemExit):
        world.registration().register(message)
    monkeypatch.undo()
    for table in (tables.registrations, tables.data_contracts, tables.item_fingerprints, tables.outbox):
        assert world.rows(table) == []
    world.register(world.market.stranger, fingerprint(photo("chelsea")))


@pytest.mark.requirement("R27")
def test_what_the_ledger_refuses_leaves_no_row_and_no_claim(world: World) -> None:
    world.channel.refuse["listing.create"] = MarketError(ErrorCode.LISTING_EXISTS)
    registered = world.registration().register(
        application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    )
    assert world.drive(registered.entry).state is State.REFUSED
    del world.channel.refuse["listing.create"]

    # Even before the rows are cleared away, the registration counts for nothing.
    world.register(world.market.stranger, fingerprint(photo("chelsea")))

    assert ClearingJob(world.database).run_once() == 1
    assert ClearingJob(world.database).run_once() == 0
    assert registered.address not in {row.address for row in world.rows(tables.data_contracts)}
    assert registered.address not in {row.address for row in world.rows(tables.item_fingerprints)}
    (row,) = [row for row in world.rows(tables.registrations) if row.address == registered.address]
    assert (row.decision, row.failure) == ("allowed", "listing_exists")


def test_a_committed_contract_is_never_cleared(world: World) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    assert ClearingJob(world.database).run_once() == 0


def test_an_unreachable_ledger_keeps_the_registration_open(world: World) -> None:
    world.channel.away = True
    registered = world.registration().register(
        application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    )
    assert world.drive(registered.entry).state is State.NEW
    assert ClearingJob(world.database).run_once() == 0
    assert _refused(world, world.market.stranger, fingerprint(photo("chelsea"))).code is ErrorCode.SIMILAR_REGISTERED


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.pop(name)


def _set(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.__setitem__(name, value)


def _opening(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["opening"].update(changes)


def _another_item(document: dict[str, Any]) -> None:
    document["items"] = [b64u(fingerprint(photo("rocket")).to_bytes())]


def _broken_item(document: dict[str, Any]) -> None:
    raw = b"not a fingerprint"
    document["items"] = [b64u(raw)]


def _more_items(document: dict[str, Any]) -> None:
    document["items"] = document["items"] * 11


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_without("intent"), ErrorCode.MALFORMED_REQUEST),
        (_without("opening"), ErrorCode.MALFORMED_REQUEST),
        (_without("items"), ErrorCode.MALFORMED_REQUEST),
        (_set("more", 1), ErrorCode.MALFORMED_REQUEST),
        (_set("intent", "a.b.c"), ErrorCode.MALFORMED_INTENT),
        (_set("items", []), ErrorCode.MALFORMED_REQUEST),
        (_more_items, ErrorCode.TOO_MANY_ITEMS),
        (_set("items", ["*"]), ErrorCode.MALFORMED_REQUEST),
        (_another_item, ErrorCode.COMMITMENT_MISMATCH),
        (_broken_item, ErrorCode.COMMITMENT_MISMATCH),
        (_opening(salt_f=b64u(bytes(32))), ErrorCode.COMMITMENT_MISMATCH),
        (_opening(exact="sha256:" + "0" * 64), ErrorCode.COMMITMENT_MISMATCH),
        (_opening(salt_d=b64u(bytes(32))), ErrorCode.COMMITMENT_MISMATCH),
        (_opening(items=2), ErrorCode.MALFORMED_REQUEST),
    ],
)
@pytest.mark.requirement("R24")
def test_an_application_that_does_not_hold_together_is_refused_and_leaves_nothing(
    shared_world: World, change: Callable[[dict[str, Any]], object], code: ErrorCode
) -> None:
    assert (
        _refused(shared_world, shared_world.market.seller, fingerprint(photo("chelsea")), change=change).code is code
    )
    for table in (tables.registrations, tables.data_contracts, tables.item_fingerprints, tables.outbox):
        assert shared_world.rows(table) == []


def test_a_forged_intent_is_refused(shared_world: World) -> None:
    def forge(document: dict[str, Any]) -> None:
        head, payload, _ = document["intent"].split(".")
        _, _, signature = application_token(shared_world, actor("thief")).split(".")
        document["intent"] = f"{head}.{payload}.{signature}"

    assert _refused(shared_world, shared_world.market.seller, fingerprint(photo("chelsea")), change=forge).code is (
        ErrorCode.BAD_SIGNATURE
    )


def application_token(world: World, who: Actor) -> str:
    document: dict[str, Any] = {}
    application(who, fingerprint(photo("rocket")), now_ms=world.clock(), change=document.update)
    return str(document["intent"])


def test_an_expired_intent_is_refused(world: World) -> None:
    message = application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    world.wait(301)
    with pytest.raises(MarketError) as caught:
        world.registration().register(message)
    assert caught.value.code is ErrorCode.INTENT_EXPIRED


def test_a_message_of_another_kind_is_refused(shared_world: World) -> None:
    with pytest.raises(MarketError) as caught:
        shared_world.registration().register(sealed({}, "search"))
    assert caught.value.code is ErrorCode.SEALED_MALFORMED


def test_who_has_no_account_cannot_register(shared_world: World) -> None:
    assert _refused(shared_world, actor("nobody"), fingerprint(photo("chelsea"))).code is ErrorCode.UNKNOWN_ACCOUNT


def test_a_fingerprint_that_does_not_parse_is_refused_by_its_own_code(shared_world: World) -> None:
    item = fingerprint(photo("chelsea"))
    broken = type("Broken", (), {"to_bytes": lambda self: item.to_bytes()[:-1], "generator": item.generator})()
    assert _refused(shared_world, shared_world.market.seller, broken).code is ErrorCode.FINGERPRINT_MALFORMED


def test_a_required_generator_may_not_be_missing(shared_world: World) -> None:
    item = fingerprint(photo("chelsea"), generator="image/paper-v0")
    assert _refused(shared_world, shared_world.market.seller, item).code is ErrorCode.UNKNOWN_GENERATOR


def test_versions_of_generators_are_compared_one_by_one(world: World) -> None:
    old, new = (fingerprint(photo("chelsea"), generator=name) for name in ("image/paper-v0", "image/v1"))
    world.register(world.market.seller, old, new)
    assert _refused(world, world.market.stranger, new).code is ErrorCode.SIMILAR_REGISTERED


def test_an_account_that_collects_refusals_is_answered_no_more(world: World) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    service = world.registration(allowance=_refusals(2, 10**12))
    codes = []
    for _ in range(3):
        message = application(world.market.stranger, fingerprint(photo("chelsea")), now_ms=world.clock())
        with pytest.raises(MarketError) as caught:
            service.register(message)
        codes.append(caught.value.code)
    assert codes == [ErrorCode.SIMILAR_REGISTERED, ErrorCode.SIMILAR_REGISTERED, ErrorCode.RATE_LIMITED]
    service.register(application(world.market.seller, fingerprint(photo("rocket")), now_ms=world.clock()))


@pytest.mark.requirement("R34")
def test_private_columns_and_outbox_hold_nothing_in_the_clear(world: World) -> None:
    item = fingerprint(photo("chelsea"))
    world.registration().register(
        application(world.market.seller, item, now_ms=world.clock(), title="CANARY-TITLE", data=b"CANARY")
    )
    stored = repr(
        [
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for table in (tables.data_contracts, tables.outbox, tables.item_fingerprints, tables.registrations)
            for row in world.rows(table)
        ]
    )
    assert "CANARY" not in stored
    assert repr(item.segment("thumbnail")[:16])[2:-1] not in stored


def test_the_supervisor_can_open_the_deposited_fingerprints_and_they_give_the_root(world: World) -> None:
    items = [fingerprint(photo(name)) for name in ("chelsea", "rocket")]
    registered = world.register(world.market.seller, *items)
    job = DepositJob(world.database, objects=world.objects, box=world.box, market=MARKET, clock=world.clock)
    assert job.run_once() == 1
    assert job.run_once() == 0
    message = json.loads(b"".join(world.objects.read(object_name(registered.address))))
    key = {1: world.market.supervisor.encryption}
    document = canonical.loads(open_sealed(key, message, kind="fingerprints", market=MARKET))
    (row,) = world.rows(tables.data_contracts)
    assert commitments.fingerprint_root([unb64u(item) for item in document["items"]]) == bytes(row.fingerprint_root)


def test_a_deposit_whose_process_died_before_it_was_recorded_is_recorded_by_the_next(world: World) -> None:
    registered = world.register(world.market.seller, fingerprint(photo("chelsea")))
    job = DepositJob(world.database, objects=world.objects, box=world.box, market=MARKET, clock=world.clock)
    world.objects.append(object_name(registered.address), 0, [b"{}"])
    world.objects.seal(object_name(registered.address), 2)
    assert job.run_once() == 1


def test_a_damaged_row_does_not_keep_others_from_being_published(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    first = world.register(world.market.seller, fingerprint(photo("chelsea")), title="Cat")
    second = world.register(world.market.seller, fingerprint(photo("rocket")), title="Rocket")
    contracts = tables.data_contracts
    with world.database.begin() as connection:
        damaged = contracts.update().where(contracts.c.address == first.address)
        connection.execute(damaged.values(description=b"damaged"))
    with caplog.at_level(logging.WARNING):
        assert PublicationJob(world.database, columns=world.columns).run_once() == 1
    assert first.address in caplog.text
    texts = {row.address: row.search_text for row in world.rows(contracts)}
    assert texts == {first.address: None, second.address: "rocket\nimage/jpeg"}
