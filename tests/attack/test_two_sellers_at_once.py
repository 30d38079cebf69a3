"""Two sellers register the same photo, or a lightly edited copy of it, at the same moment (A-10)."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from countermark.fingerprint import Fingerprint
from countermark.platform.contracts.registration import Registration
from countermark.platform.matching.allowance import Allowance
from countermark.platform.matching.gate import Candidacy, Gate
from countermark.platform.matching.index import FingerprintIndex
from countermark.platform.matching.likeness import Survey
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.quotas import Quota
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.market import Actor, actor
from tests.support.pictures import NAMES, edited, fingerprint, photo
from tests.support.platform import World, application

TRIES = 100
UNLIMITED = Allowance(refusals=Quota("refused_listing", most=10**6, window_ms=10**12))


class GateAtOnce(Gate):
    """A gate whose users all finish the comparison outside the lock before any of them asks for the lock."""

    def __init__(self, world: World, barrier: Barrier) -> None:
        index = FingerprintIndex(world.box, world.database)
        super().__init__(index=index, box=world.box, pepper=b"q" * 32, probes=world.probes, links=world.links)
        self._barrier = barrier

    def survey(self, candidacy: Candidacy, *, now_ms: int) -> Survey:
        survey = super().survey(candidacy, now_ms=now_ms)
        self._barrier.wait()
        return survey


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)


@pytest.fixture(scope="module")
def offers() -> Sequence[tuple[Fingerprint, Fingerprint]]:
    """Photos with copies of them: the same file, and lightly edited ones."""
    made = []
    for number in range(12):
        original = photo(NAMES[number % len(NAMES)])
        copy = original if number % 3 == 0 else edited(original, seed=number)
        made.append((fingerprint(original), fingerprint(copy, quality=75)))
    return made


def _outcome(registration: Registration, message: object) -> str:
    try:
        registration.register(message)
    except MarketError as error:
        return str(error.code)
    return "allowed"


def _at_once(world: World, items: Sequence[Fingerprint], sellers: Sequence[Actor]) -> list[str]:
    barrier = Barrier(len(items))
    messages = [application(who, item, now_ms=world.clock()) for who, item in zip(sellers, items, strict=True)]
    services = [world.registration(gate=GateAtOnce(world, barrier), allowance=UNLIMITED) for _ in items]
    with ThreadPoolExecutor(len(items)) as pool:
        return sorted(pool.map(_outcome, services, messages))


def _forget(world: World) -> None:
    with world.database.begin() as connection:
        for table in (tables.registrations, tables.item_fingerprints, tables.data_contracts, tables.outbox):
            connection.execute(table.delete())


@pytest.mark.requirement("R25")
@pytest.mark.requirement("R9")
def test_seller_registers_what_another_is_registering(
    world: World, offers: Sequence[tuple[Fingerprint, Fingerprint]]
) -> None:
    sellers = (world.market.seller, world.market.stranger)
    for number in range(TRIES):
        outcomes = _at_once(world, offers[number % len(offers)], sellers)
        assert outcomes == ["allowed", str(ErrorCode.SIMILAR_REGISTERED)], f"try {number}"
        assert len(world.rows(tables.data_contracts)) == 1
        _forget(world)


def test_one_seller_cannot_pass_twice_by_asking_through_two_gateways(
    world: World, offers: Sequence[tuple[Fingerprint, Fingerprint]]
) -> None:
    outcomes = _at_once(world, offers[0], (world.market.seller, world.market.seller))
    assert outcomes == ["allowed", str(ErrorCode.ALREADY_REGISTERED)]


def test_of_eight_sellers_at_once_exactly_one_passes(world: World) -> None:
    thieves = list(_opened(world, 8))
    items = [fingerprint(edited(photo("coffee"), seed=number)) for number in range(8)]
    outcomes = _at_once(world, items, thieves)
    assert outcomes == ["allowed", *[str(ErrorCode.SIMILAR_REGISTERED)] * 7]


def _opened(world: World, count: int) -> Iterator[Actor]:
    for number in range(count):
        who = actor(f"thief {number}")
        world.market.open_account(who)
        yield who


def test_sellers_of_different_photos_do_not_stand_in_each_others_way(world: World) -> None:
    items = [fingerprint(photo("coffee")), fingerprint(photo("rocket"))]
    assert _at_once(world, items, (world.market.seller, world.market.stranger)) == ["allowed", "allowed"]
