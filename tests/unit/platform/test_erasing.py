"""An erased contract in the platform's tables, objects and gate: the row stays, and nothing shows the data."""

from collections.abc import Mapping
from typing import Any

import pytest

from countermark.platform.contracts import deposit, publication
from countermark.platform.contracts.clearing import ClearingJob
from countermark.platform.contracts.copying import CopyingJob
from countermark.platform.contracts.deposit import DepositJob
from countermark.platform.contracts.erasing import ErasureJob
from countermark.platform.contracts.publication import PublicationJob
from countermark.platform.contracts.restoring import Restoration
from countermark.platform.matching.search import SampleSearch
from countermark.platform.matching.tracing import Tracing
from countermark.platform.ports import Described
from countermark.platform.projection import Projector, ledger_digest
from countermark.platform.projection.projector import Rebuilt
from countermark.platform.store import tables
from countermark.platform.store.sql import update
from countermark.protocol import canonical, searches
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import open_sealed
from tests.support.market import PLATFORM, SUPERVISOR, Actor
from tests.support.pictures import crop, fingerprint, noise, photo
from tests.support.platform import MARKET, World, application, blocks, sealed

PRIVATE = ("description", "salt_d", "fingerprint", "fingerprint_root")
WORDS = "Canary of the title"


def registered(world: World, name: str = "chelsea", *, title: str = WORDS) -> str:
    address: str = world.register(world.market.seller, fingerprint(photo(name)), title=title).address
    PublicationJob(world.database, columns=world.columns).run_once()
    return address


def erase(world: World, address: str) -> None:
    """Take the contract off the market, and have its owner erase it."""
    world.market.ask(world.market.seller, "listing.withdraw", {"listing": address})
    world.market.ask(world.market.seller, "listing.erase", {"listing": address}, msp=PLATFORM)


def deposits(world: World) -> DepositJob:
    return DepositJob(world.database, objects=world.objects, box=world.box, market=MARKET, clock=world.clock)


def erasures(world: World) -> ErasureJob:
    return ErasureJob(world.database, objects=world.objects, probes=world.probes, clock=world.clock)


def row(world: World, address: str) -> Any:
    return next(one for one in world.rows(tables.data_contracts) if one.address == address)


def private(world: World, address: str) -> dict[str, Any]:
    found = row(world, address)
    items = [one.segments for one in world.rows(tables.item_fingerprints) if one.address == address]
    roots = [bytes(one.fingerprint_root) for one in world.rows(tables.registrations) if one.address == address]
    return {**{name: getattr(found, name) for name in (*PRIVATE, "search_text")}, "items": items, "roots": roots}


NOTHING = {**dict.fromkeys(PRIVATE), "search_text": "", "items": [], "roots": [b""]}


@pytest.mark.requirement("R15")
def test_the_block_of_an_erasure_empties_the_private_columns_and_leaves_the_row(world: World) -> None:
    address, other = registered(world), registered(world, "rocket", title="Another")
    before, kept = row(world, address), private(world, other)
    assert WORDS.casefold() in before.search_text
    erase(world, address)
    after = row(world, address)
    assert private(world, address) == NOTHING
    assert (after.owner, after.state, after.seller) == (before.owner, "WITHDRAWN", before.seller)
    assert {name: after.record[name] for name in ("c_f", "c_d", "c_exact", "exact_key")} == {
        name: before.record[name] for name in ("c_f", "c_d", "c_exact", "exact_key")
    }
    assert private(world, other) == kept
    assert all(value for value in kept.values())


def test_earlier_applications_with_the_same_data_forget_their_root_too(world: World) -> None:
    stranger = world.market.stranger
    theirs = world.register(stranger, fingerprint(photo("rocket")))
    for who in (world.market.seller, stranger):
        with pytest.raises(MarketError):
            world.register(who, fingerprint(photo("rocket")), data=who.address.encode())
    world.market.ask(stranger, "listing.withdraw", {"listing": theirs.address})
    world.market.ask(stranger, "listing.erase", {"listing": theirs.address}, msp=PLATFORM)
    roots = {
        (one.seller == stranger.address, bytes(one.fingerprint_root)) for one in world.rows(tables.registrations)
    }
    assert [root for own, root in roots if own] == [b""]
    assert all(root for own, root in roots if not own)


def test_the_gate_knows_no_copy_any_more_but_the_same_bytes_and_their_owner(world: World) -> None:
    seller, stranger, cat = world.market.seller, world.market.stranger, photo("chelsea")
    service = world.registration()
    address = registered(world)

    def apply(who: Actor, item: Any, data: bytes | None = None) -> str:
        made = service.register(application(who, item, now_ms=world.clock(), data=data))
        world.drive(made.entry)
        return str(made.address)

    def refusal(who: Actor, item: Any, data: bytes | None = None) -> ErrorCode:
        with pytest.raises(MarketError) as caught:
            apply(who, item, data)
        return caught.value.code

    # The index has seen it by then, and keeps what it was found by.
    edited = fingerprint(crop(cat, 0.02))
    assert refusal(stranger, edited) is ErrorCode.SIMILAR_REGISTERED
    assert refusal(seller, fingerprint(cat)) is ErrorCode.ALREADY_LISTED
    erase(world, address)
    same = fingerprint(cat).to_bytes()
    assert refusal(stranger, fingerprint(photo("rocket")), same) is ErrorCode.SIMILAR_REGISTERED
    anew = apply(seller, fingerprint(cat))
    assert world.market.listing(anew)["state"] == "LISTED"
    assert refusal(stranger, edited) is ErrorCode.SIMILAR_REGISTERED
    world.market.ask(seller, "listing.withdraw", {"listing": anew})
    world.market.ask(seller, "listing.erase", {"listing": anew}, msp=PLATFORM)
    assert world.market.listing(apply(stranger, edited))["owner"] == stranger.address


def test_what_was_tried_at_an_erased_registration_leaves_no_fingerprint(world: World) -> None:
    stranger, address = world.market.stranger, registered(world)
    deposits(world).run_once()
    with pytest.raises(MarketError):
        world.register(stranger, fingerprint(noise(photo("chelsea"), 4)))

    def samples() -> list[list[str]]:
        return [
            canonical.loads(world.box.open(one.samples, context=f"probes/{one.id}/samples"))
            for one in world.rows(tables.probes)
        ]

    assert [len(one) for one in samples()] == [1]
    erase(world, address)
    assert erasures(world).run_once() == 1
    assert samples() == [[]]
    # Nor does what comes afterwards: the same bytes are known, and show the same things.
    with pytest.raises(MarketError):
        world.register(stranger, fingerprint(photo("chelsea")))
    assert samples() == [[], []]
    assert {one.account for one in world.rows(tables.probes)} == {stranger.address}


def answer(world: World, service: Any, kind: str, typ: str) -> Any:
    who = world.market.buyer
    token = searches.sign_search(
        who.key,
        market=MARKET,
        fingerprint=fingerprint(photo("chelsea")).to_bytes(),
        issued_at_ms=world.clock(),
        typ=typ,
    )
    return canonical.loads(
        open_sealed({1: who.encryption}, service.answer(sealed(token, kind)), kind=f"{kind}-answer", market=MARKET)
    )


def test_neither_search_nor_trace_finds_it_in_an_index_that_has_seen_it(world: World) -> None:
    address = registered(world)
    inquiries = world.inquiries()
    search, trace = SampleSearch(inquiries), Tracing(inquiries)
    assert answer(world, search, "search", searches.TYP) == {"listings": [address]}
    assert [one["listing"] for one in answer(world, trace, "trace", searches.TRACE_TYP)["contracts"]] == [address]
    erase(world, address)
    assert answer(world, search, "search", searches.TYP) == {"listings": []}
    assert answer(world, trace, "trace", searches.TRACE_TYP) == {"contracts": []}


def test_a_registration_that_was_cleared_away_is_like_nothing_in_an_index_that_has_seen_it(world: World) -> None:
    world.channel.refuse["listing.create"] = MarketError(ErrorCode.MARKET_INVALID, "refused")
    service = world.registration()
    entry = service.register(
        application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    ).entry
    search = SampleSearch(world.inquiries())
    assert answer(world, search, "search", searches.TYP) == {"listings": []}
    world.drive(entry)
    assert ClearingJob(world.database).run_once() == 1
    assert world.rows(tables.item_fingerprints) == []
    assert answer(world, search, "search", searches.TYP) == {"listings": []}
    del world.channel.refuse["listing.create"]
    world.drive(
        service.register(
            application(world.market.stranger, fingerprint(photo("chelsea")), now_ms=world.clock())
        ).entry
    )
    assert [one.owner for one in world.rows(tables.data_contracts)] == [world.market.stranger.address]


@pytest.mark.parametrize("parts", [1, 3])
def test_the_supervisors_deposit_goes_from_the_object_store(
    world: World, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deposit, "PART_ITEMS", 1)
    names = ("chelsea", "rocket", "coffee")[:parts]
    address = world.register(world.market.seller, *(fingerprint(photo(name)) for name in names)).address
    other = registered(world, "astronaut")
    assert deposits(world).run_once() == 2
    lies = [deposit.object_name(address, number, parts) for number in range(1, parts + 1)]
    assert all(world.objects.size(name) for name in lies)
    erase(world, address)
    assert erasures(world).run_once() == 1
    assert erasures(world).run_once() == 0
    for name in lies:
        with pytest.raises(MarketError) as caught:
            world.objects.read(name)
        assert caught.value.code is ErrorCode.NOT_FOUND
    assert world.objects.size(deposit.object_name(other))


def test_what_is_erased_before_its_deposit_is_not_deposited(world: World) -> None:
    address = registered(world)
    erase(world, address)
    assert erasures(world).run_once() == 0
    # What a deposit that broke off has left there.
    world.objects.append(deposit.object_name(address, 1, 2), 0, [b"{}"])
    assert deposits(world).run_once() == 1
    assert erasures(world).run_once() == 1
    assert world.objects.size(deposit.object_name(address, 1, 2)) == 0
    assert world.objects.size(deposit.object_name(address)) == 0


def test_an_erasure_in_the_midst_of_a_deposit_is_made_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    address = world.register(
        world.market.seller, *(fingerprint(photo(name)) for name in ("chelsea", "rocket"))
    ).address
    monkeypatch.setattr(deposit, "PART_ITEMS", 1)
    job, keep = deposits(world), deposit.keep

    def slow(objects: Any, name: str, data: bytes) -> None:
        keep(objects, name, data)
        monkeypatch.setattr(deposit, "keep", keep)
        erase(world, address)

    monkeypatch.setattr(deposit, "keep", slow)
    assert job.run_once() == 0
    assert world.objects.size(deposit.object_name(address, 1, 2))
    assert erasures(world).run_once() == 0
    assert (job.run_once(), erasures(world).run_once()) == (1, 1)
    assert world.objects.size(deposit.object_name(address, 1, 2)) == 0


def test_words_that_were_read_before_an_erasure_are_not_published_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = world.register(world.market.seller, fingerprint(photo("chelsea")), title=WORDS).address
    search_text = publication.search_text

    def slow(description: Any) -> str:
        erase(world, address)
        return search_text(description)

    monkeypatch.setattr(publication, "search_text", slow)
    assert PublicationJob(world.database, columns=world.columns).run_once() == 0
    assert private(world, address) == NOTHING


class Slow:
    """A platform that tells a description, which is erased before whoever asked has it."""

    def __init__(self, world: World, described: Mapping[str, Described]) -> None:
        self._world = world
        self._described = described
        self.asked: list[str] = []

    def tell(self, address: str) -> Described | None:
        self.asked.append(address)
        erase(self._world, address)
        return self._described[address]


def test_a_member_keeps_no_copy_of_what_is_erased_while_he_is_told(world: World) -> None:
    address = world.register(world.market.seller, fingerprint(photo("chelsea")), title=WORDS).address
    told = row(world, address)
    described = Described(world.columns.description(told), world.columns.salt_d(told))
    with world.database.begin() as connection:
        connection.execute(update(tables.data_contracts).values(dict.fromkeys(PRIVATE)))
    source = Slow(world, {address: described})
    job = CopyingJob(world.database, columns=world.columns, source=source)
    assert job.run_once() == 0
    assert row(world, address).description is None
    assert row(world, address).search_text == ""
    assert (job.run_once(), source.asked) == (0, [address])


def rebuild(world: World) -> Rebuilt:
    class Source:
        def blocks(self, start: int, *, stop: int | None = None) -> Any:
            return (
                block
                for block in blocks(world.channel)
                if start <= block.number and (stop is None or block.number <= stop)
            )

    return Projector(world.database, chaincode="countermark").rebuild(Source())


def digest(world: World) -> str:
    with world.database.begin() as connection:
        return ledger_digest(connection)


def test_tables_that_are_made_again_have_erased_what_was_erased(world: World) -> None:
    address, other = registered(world), registered(world, "rocket", title="Another")
    saved = {name: value for name, value in row(world, address)._mapping.items() if name in (*PRIVATE, "search_text")}
    erase(world, address)
    kept, before = private(world, other), digest(world)
    # As a backup of an older day would bring them back.
    with world.database.begin() as connection:
        this = tables.data_contracts.c.address == address
        connection.execute(update(tables.data_contracts).where(this).values(saved))
    assert row(world, address).description is not None
    assert rebuild(world).same
    assert (digest(world), private(world, address), private(world, other)) == (before, NOTHING, kept)
    restoration = Restoration(
        database=world.database, ledger=world.ledger, box=world.box, keys=world.keys, market=MARKET
    )
    assert {one.address: one.differences for one in restoration.run()} == {address: (), other: ()}
    assert private(world, address) == NOTHING


@pytest.mark.requirement("R18")
def test_a_hold_changes_nothing_of_the_private_columns(world: World) -> None:
    address = registered(world)
    before = private(world, address)
    for function, held in (("listing.hold", True), ("listing.release", None)):
        world.market.ask(world.market.supervisor, function, {"listing": address}, msp=SUPERVISOR)
        assert row(world, address).record.get("held") is held
        assert private(world, address) == before
