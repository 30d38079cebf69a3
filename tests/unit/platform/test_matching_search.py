"""Search by sample (9-2), (10): who gets which answer."""

import json
from typing import Any

import pytest

from countermark.fingerprint import Fingerprint
from countermark.fingerprint.image.gallery import Gallery
from countermark.platform.matching.allowance import Allowance
from countermark.platform.matching.index import FingerprintIndex
from countermark.platform.matching.likeness import Likeness, Survey
from countermark.platform.matching.reviews import Reviews
from countermark.platform.matching.search import LONGEST_ANSWER, SampleSearch
from countermark.platform.store import tables
from countermark.platform.store.quotas import Quota
from countermark.protocol import canonical, searches
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import open_sealed
from tests.support.market import Actor, actor
from tests.support.pictures import crop, fingerprint, noise, photo
from tests.support.platform import MARKET, World, application, sealed


def _service(world: World, quota: Quota | None = None) -> SampleSearch:
    changes = {} if quota is None else {"allowance": Allowance(inquiries=quota)}
    return SampleSearch(world.inquiries(**changes))


def _search(world: World, who: Actor, sample: bytes, *, issued_at_ms: int | None = None) -> dict[str, object]:
    token = searches.sign_search(
        who.key, market=MARKET, fingerprint=sample, issued_at_ms=issued_at_ms or world.clock()
    )
    return sealed(token, "search")


def _found(world: World, who: Actor, sample: Fingerprint) -> list[str]:
    answer = _service(world).answer(_search(world, who, sample.to_bytes()))
    document = canonical.loads(open_sealed({1: who.encryption}, answer, kind="search-answer", market=MARKET))
    assert list(document) == ["listings"]
    return list(document["listings"])


@pytest.mark.requirement("R31")
@pytest.mark.requirement("R16")
def test_a_modified_copy_of_a_listed_photo_finds_it_and_nothing_else(world: World) -> None:
    cat = world.register(world.market.seller, fingerprint(photo("chelsea")))
    world.register(world.market.seller, fingerprint(photo("rocket")))
    assert _found(world, world.market.buyer, fingerprint(noise(crop(photo("chelsea"), 0.02), 8), quality=50)) == [
        cat.address
    ]
    assert _found(world, world.market.buyer, fingerprint(photo("coffee"))) == []


@pytest.mark.requirement("R31")
def test_only_what_is_on_the_market_is_found(world: World) -> None:
    cat = world.register(world.market.seller, fingerprint(photo("chelsea")))
    world.market.ask(world.market.seller, "listing.withdraw", {"listing": cat.address})
    assert _found(world, world.market.buyer, fingerprint(photo("chelsea"))) == []


def test_a_registration_that_waits_for_the_ledger_is_not_found(world: World) -> None:
    world.registration().register(
        application(world.market.seller, fingerprint(photo("chelsea")), now_ms=world.clock())
    )
    assert _found(world, world.market.buyer, fingerprint(photo("chelsea"))) == []


@pytest.mark.requirement("R32")
def test_nobody_but_the_searcher_can_read_the_answer(world: World) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    answer = _service(world).answer(_search(world, world.market.buyer, fingerprint(photo("chelsea")).to_bytes()))
    with pytest.raises(MarketError) as caught:
        open_sealed({1: world.market.stranger.encryption}, answer, kind="search-answer", market=MARKET)
    assert caught.value.code is ErrorCode.SEALED_UNDECRYPTABLE


@pytest.mark.requirement("R80")
def test_an_open_search_is_refused(world: World) -> None:
    token = searches.sign_search(
        world.market.buyer.key,
        market=MARKET,
        fingerprint=fingerprint(photo("chelsea")).to_bytes(),
        issued_at_ms=world.clock(),
    )
    with pytest.raises(MarketError) as caught:
        _service(world).answer(token)
    assert caught.value.code is ErrorCode.SEALED_MALFORMED


@pytest.mark.parametrize(
    ("who", "sample", "age_ms", "code"),
    [
        ("nobody", None, 0, ErrorCode.UNKNOWN_ACCOUNT),
        ("buyer", b"no fingerprint", 0, ErrorCode.FINGERPRINT_MALFORMED),
        ("buyer", None, 400_000, ErrorCode.INTENT_EXPIRED),
        ("buyer", None, -100_000, ErrorCode.INTENT_NOT_YET_VALID),
    ],
)
def test_a_bad_search_has_its_own_code(
    world: World, who: str, sample: bytes | None, age_ms: int, code: ErrorCode
) -> None:
    data = sample or fingerprint(photo("chelsea")).to_bytes()
    with pytest.raises(MarketError) as caught:
        _service(world).answer(_search(world, actor(who), data, issued_at_ms=world.clock() - age_ms))
    assert caught.value.code is code


def test_a_generator_that_the_market_does_not_accept_is_refused(world: World) -> None:
    sample = fingerprint(photo("chelsea"), generator="image/paper-v0")
    document = dict(world.rows(tables.market_versions)[0].record)
    document["generators"] = {"accepted": ["image/v1"], "preferred": "image/v1", "required": []}
    with world.database.begin() as connection:
        connection.execute(tables.market_versions.update().values(record=document))
    with pytest.raises(MarketError) as caught:
        _service(world).answer(_search(world, world.market.buyer, sample.to_bytes()))
    assert caught.value.code is ErrorCode.UNKNOWN_GENERATOR


def test_searches_of_an_account_are_limited_and_others_are_not(world: World) -> None:
    service = _service(world, Quota("search", most=2, window_ms=10**12))
    sample = fingerprint(photo("chelsea")).to_bytes()
    for _ in range(2):
        service.answer(_search(world, world.market.buyer, sample))
    with pytest.raises(MarketError) as caught:
        service.answer(_search(world, world.market.buyer, sample))
    assert caught.value.code is ErrorCode.RATE_LIMITED
    service.answer(_search(world, world.market.stranger, sample))


def test_a_quota_is_free_again_in_the_next_window(world: World) -> None:
    quota = Quota("search", most=1, window_ms=1000)
    with world.database.begin() as connection:
        quota.spend(connection, "a", now_ms=1999)
        quota.spend(connection, "a", now_ms=2000)
        with pytest.raises(MarketError):
            quota.spend(connection, "a", now_ms=2999)
    assert len(world.rows(tables.quotas)) == 1


@pytest.mark.requirement("R32")
def test_an_answer_is_short_and_the_likest_come_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = world.register(world.market.seller, fingerprint(photo("chelsea")))
    template = world.rows(tables.data_contracts)[0]._mapping
    likenesses = {}
    with world.database.begin() as connection:
        for number in range(LONGEST_ANSWER + 5):
            address = f"dc1{number:03d}"
            connection.execute(tables.data_contracts.insert().values({**template, "address": address}))
            likenesses[address] = Likeness(sure=number % 2 == 0, score=number / 100)
    monkeypatch.setattr(FingerprintIndex, "survey", lambda self, items: Survey(1, likenesses))
    found = _found(world, world.market.buyer, fingerprint(photo("chelsea")))
    assert registered.address not in found
    assert found == sorted(likenesses, key=lambda a: (likenesses[a].sure, likenesses[a].score), reverse=True)[:20]


@pytest.mark.requirement("R20")
def test_the_index_takes_in_only_what_is_new(world: World) -> None:
    index = FingerprintIndex(world.box, world.database)
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    with world.database.begin() as connection:
        assert (index.refresh(connection), index.refresh(connection)) == (1, 0)
    first = index.survey([fingerprint(photo("chelsea"))])
    rocket = world.register(world.market.seller, fingerprint(photo("rocket")))
    with world.database.begin() as connection:
        assert index.refresh(connection) == 1
    later = index.survey([fingerprint(photo("chelsea")), fingerprint(photo("rocket"))], since=first.seen)
    assert set(later.likenesses) == {rocket.address}
    assert set(first.merge(later).likenesses) == set(first.likenesses) | {rocket.address}


def test_a_refresh_that_failed_half_way_is_made_up_for_and_nothing_is_taken_for_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chelsea = world.register(world.market.seller, fingerprint(photo("chelsea")))
    index, add = FingerprintIndex(world.box, world.database), Gallery.add
    with world.database.begin() as connection:
        assert index.refresh(connection) == 1
    rocket = world.register(world.market.seller, fingerprint(photo("rocket")))

    def fail(self: Gallery, fingerprints: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Gallery, "add", fail)
    with world.database.begin() as connection, pytest.raises(MemoryError):
        index.refresh(connection)
    monkeypatch.setattr(Gallery, "add", add)
    coffee = world.register(world.market.seller, fingerprint(photo("coffee")))
    with world.database.begin() as connection:
        assert index.refresh(connection) == 2
    for name, registered in (("chelsea", chelsea), ("rocket", rocket), ("coffee", coffee)):
        assert set(index.survey([fingerprint(photo(name))]).likenesses) == {registered.address}


# A case in the review band


def _doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every resemblance fall into the review band."""
    real = FingerprintIndex.survey

    def survey(self: FingerprintIndex, items: list[Fingerprint], **how: Any) -> Survey:
        found = real(self, items, **how)
        doubt = Likeness(False, 0.7, doubted=frozenset({("image", 0)}))
        return Survey(found.seen, dict.fromkeys(found.likenesses, doubt))

    monkeypatch.setattr(FingerprintIndex, "survey", survey)


def test_what_a_person_approved_passes_the_next_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = world.register(world.market.seller, fingerprint(photo("chelsea")))
    _doubtful(monkeypatch)
    copy = fingerprint(crop(photo("chelsea"), 0.02))
    with pytest.raises(MarketError) as caught:
        world.register(world.market.stranger, copy)
    assert caught.value.code is ErrorCode.UNDER_REVIEW

    reviews = Reviews(world.box)
    with world.database.begin() as connection:
        (case,) = reviews.waiting(connection)
        assert case.matched == (registered.address,)
        assert caught.value.detail == f"case {case.case_number}"
        reviews.resolve(connection, case.case_number, approve=True)
        assert reviews.waiting(connection) == []
    world.register(world.market.stranger, copy)


@pytest.mark.parametrize("approve", [False, True])
def test_an_approval_is_for_the_same_seller_and_data_only(
    world: World, monkeypatch: pytest.MonkeyPatch, approve: bool
) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    _doubtful(monkeypatch)
    copy = fingerprint(crop(photo("chelsea"), 0.02))
    with pytest.raises(MarketError):
        world.register(world.market.stranger, copy)
    reviews = Reviews(world.box)
    with world.database.begin() as connection:
        (case,) = reviews.waiting(connection)
        reviews.resolve(connection, case.case_number, approve=approve)
        with pytest.raises(MarketError) as caught:
            reviews.resolve(connection, case.case_number, approve=True)
    assert caught.value.code is ErrorCode.NOT_FOUND
    for who, item in (
        (world.market.buyer, copy),
        (world.market.stranger, fingerprint(crop(photo("chelsea"), 0.01))),
        *([] if approve else [(world.market.stranger, copy)]),
    ):
        with pytest.raises(MarketError) as caught:
            world.register(who, item)
        assert caught.value.code is ErrorCode.UNDER_REVIEW


def test_a_gate_with_another_pepper_still_compares_fingerprints(world: World) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    gate = world.gate(pepper=b"r" * 32)
    with pytest.raises(MarketError) as caught:
        world.registration(gate=gate).register(
            application(world.market.stranger, fingerprint(photo("chelsea")), now_ms=world.clock())
        )
    assert caught.value.code is ErrorCode.SIMILAR_REGISTERED


def test_no_message_of_the_search_repeats_the_sample(world: World) -> None:
    sample = fingerprint(photo("chelsea")).to_bytes()
    message = _search(world, world.market.buyer, sample)
    assert b64u(sample)[:40] not in json.dumps(message)
