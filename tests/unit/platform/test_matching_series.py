"""Series of attempts at one registration: what makes one, what it holds back, and what is kept and told of it."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from countermark.fingerprint import compare
from countermark.fingerprint.evaluation.families import scene
from countermark.platform.matching.decision import Decision
from countermark.platform.matching.nearness import FLOORS, Near, nearness
from countermark.platform.matching.probes import KEPT_MS, Finding, Trial, forget_old
from countermark.platform.matching.reporting import load_series, to_json
from countermark.platform.matching.series import (
    ATTEMPTS,
    WINDOW_MS,
    Attempt,
    Degree,
    Tallies,
    Tally,
    held,
    series_of,
)
from countermark.platform.store import tables
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.comparisons import comparison
from tests.support.pictures import NAMES, fingerprint, photo
from tests.support.platform import World

MATCH, REVIEW, CLOSE, LINKED, NEAR = Degree
THERE = "dc1there"
SERIES = Tally(ATTEMPTS, alike=True)
ORGANISATION = "TraderMSP"


@pytest.mark.requirement("A-31")
@pytest.mark.parametrize(
    ("degree", "tallies", "is_held"),
    [
        pytest.param(NEAR, Tallies(own=SERIES), True, id="one step further of one's own series"),
        pytest.param(LINKED, Tallies(own=SERIES), True, id="a copy of what one has tried"),
        pytest.param(NEAR, Tallies(own=Tally(ATTEMPTS - 1, alike=True)), False, id="too few attempts"),
        pytest.param(NEAR, Tallies(own=Tally(50, alike=False)), False, id="look-alikes, none of which was alike"),
        pytest.param(NEAR, Tallies(strangers=SERIES), False, id="near what strangers have tried"),
        pytest.param(LINKED, Tallies(strangers=SERIES), False, id="a link to strangers' attempts"),
        pytest.param(CLOSE, Tallies(strangers=SERIES), True, id="close to what strangers have tried"),
        pytest.param(REVIEW, Tallies(strangers=SERIES), True, id="little of a collection, which the gate allows"),
    ],
)
def test_what_a_series_holds_back(degree: Degree, tallies: Tallies, is_held: bool) -> None:
    assert held({THERE: degree}, {THERE: tallies}) == ([THERE] if is_held else [])
    assert held({"dc1elsewhere": degree}, {THERE: tallies}) == []


def attempts(*scores: float, apart_ms: int = 1000, degree: Degree = MATCH, outcome: str = "") -> list[Attempt]:
    return [
        Attempt("did:key:a", "", number * apart_ms, "search", degree, THERE, "did:key:v", score, outcome)
        for number, score in enumerate(scores)
    ]


@pytest.mark.parametrize(
    ("tried", "is_series"),
    [
        pytest.param(attempts(1, 1, 1), True, id="three in seconds"),
        pytest.param(attempts(1, 1), False, id="two"),
        pytest.param(attempts(1, 1, 1, apart_ms=86_400_000), True, id="one a day"),
        pytest.param(attempts(1, 1, 1, apart_ms=WINDOW_MS // 2), False, id="one every four days"),
        pytest.param(attempts(0.6, 0.6, 0.6, 0.6, degree=NEAR), False, id="never alike"),
    ],
)
def test_what_is_a_series(tried: list[Attempt], is_series: bool) -> None:
    assert (series_of(tried) is not None) is is_series
    assert (series_of(tried[::-1]) is not None) is is_series


@pytest.mark.parametrize(
    ("scores", "climbing"),
    [
        ((1.0, 0.95, 0.9), True),
        ((1.0, 0.94, 0.95, 0.88, 0.7), True),
        ((0.9, 0.95, 1.0), False),
        ((1.0, 1.0, 1.0), False),
        ((0.9, 1.0, 0.0), False),  # the last one has no score, and says nothing
    ],
)
def test_a_series_climbs_where_its_scores_fall(scores: tuple[float, ...], climbing: bool) -> None:
    series = series_of(attempts(*scores))
    assert series is not None
    assert series.climbing is climbing


@pytest.mark.parametrize(
    ("generator", "decision", "score", "near"),
    [
        ("image/v1", "different", 0.49, None),
        ("image/v1", "different", 0.5, Near(close=False, score=0.5)),
        ("image/v1", "different", 0.7, Near(close=True, score=0.7)),
        ("image/v1", "review", 0.85, None),
        ("image/v1", "match", 0.95, None),
        ("image/paper-v0", "different", 0.71, None),
    ],
)
def test_only_what_is_different_and_not_quite_so_is_near(
    generator: str, decision: Any, score: float, near: Near | None
) -> None:
    assert nearness(comparison(generator, decision, score)) == near


def test_strangers_are_not_near() -> None:
    random = np.random.default_rng(29)
    pictures = [photo(name) for name in NAMES] + [scene(random) for _ in range(8)]
    prints = [fingerprint(picture.resize((256, 256))) for picture in pictures]
    assert [pair for pair in combinations(prints, 2) if nearness(compare(*pair)) is not None] == []


def test_floors_rise() -> None:
    assert all(0 < floors.near < floors.close < 1 for floors in FLOORS.values())


# What is kept


def keep(
    world: World, account: str, sponsor: str = "", *, at_ms: int = 0, score: float = 0.9, outcome: str = ""
) -> None:
    kind = "application" if outcome else "search"
    trial = Trial(account, sponsor, kind, outcome, "case-x" if outcome else "")
    finding = Finding("did:key:victim", MATCH, score, (fingerprint(photo("chelsea")).to_bytes(),))
    with world.database.begin() as connection:
        world.probes.keep(connection, trial, {THERE: finding}, now_ms=at_ms or world.clock())


def tallies(world: World, account: str, sponsor: str = "") -> Tallies | None:
    with world.database.begin() as connection:
        return world.probes.tallies(connection, account, sponsor, [THERE], now_ms=world.clock()).get(THERE)


@pytest.mark.requirement("A-31")
def test_attempts_of_one_sponsors_accounts_count_together_and_strangers_apart(world: World) -> None:
    for number in range(3):
        keep(world, f"did:key:{number}", ORGANISATION)
        keep(world, f"did:key:u{number}")
    assert tallies(world, "did:key:9", ORGANISATION) == Tallies(own=SERIES)
    assert tallies(world, "did:key:9", "OtherMSP") is None
    assert tallies(world, "did:key:u9") == Tallies(strangers=SERIES)
    assert tallies(world, "did:key:u0") == Tallies(own=Tally(1, alike=True), strangers=SERIES)


def test_attempts_of_long_ago_count_no_more(world: World) -> None:
    keep(world, "did:key:a", at_ms=world.clock() - WINDOW_MS)
    assert tallies(world, "did:key:a") is None


def test_attempts_are_forgotten_after_a_month_and_not_before(world: World) -> None:
    for days in (29, 31):
        keep(world, f"did:key:{days}", at_ms=world.clock() - days * 86_400_000)
    assert KEPT_MS == 30 * 86_400_000
    assert forget_old(world.database) == 1
    assert [row.account for row in world.rows(tables.probes)] == ["did:key:29"]


@pytest.mark.requirement("A-31")
def test_an_attempt_says_which_registration_it_was_at_to_the_platform_alone(world: World) -> None:
    keep(world, "did:key:a", outcome="similar_registered")
    (row,) = world.rows(tables.probes)
    stored = b"".join(
        bytes(value) if isinstance(value, memoryview | bytes) else repr(value).encode() for value in row
    )
    for secret in (THERE.encode(), b"did:key:victim", fingerprint(photo("chelsea")).segment("thumbnail")[:16]):
        assert secret not in stored


# The report


@pytest.mark.requirement("A-31")
def test_the_report_tells_who_tried_what_and_whether_he_was_caught(world: World) -> None:
    start = world.clock()
    for number, score in enumerate((0.97, 0.93, 0.88, 0.75)):
        outcome = "" if number < 3 else str(Decision.UNDER_REVIEW)
        keep(world, "did:key:a", at_ms=start + number, score=score, outcome=outcome)
    with world.database.begin() as connection:
        page = load_series(connection, world.probes)
    (report,) = [to_json(one) for one in page.series]
    assert report["accounts"] == ["did:key:a"]
    assert (report["listing"], report["owner"], report["attempts"]) == (THERE, "did:key:victim", 4)
    assert report["scores"] == ["0.9700", "0.9300", "0.8800", "0.7500"]
    assert (report["climbing"], report["caught"], report["passed"]) == (True, True, False)
    assert report["cases"] == ["case-x"]


@pytest.mark.parametrize(
    ("sponsor", "outcome", "reported"),
    [
        pytest.param(ORGANISATION, "", True, id="accounts of one sponsor"),
        pytest.param("", "", False, id="strangers who search for one thing"),
        pytest.param("", "similar_registered", True, id="strangers of whom one applies"),
    ],
)
def test_accounts_that_take_turns_are_reported_together(
    world: World, sponsor: str, outcome: str, reported: bool
) -> None:
    for number in range(3):
        keep(world, f"did:key:{number}", sponsor, outcome=outcome if number == 2 else "")
    with world.database.begin() as connection:
        page = load_series(connection, world.probes)
    assert [len(one.accounts) for one in page.series] == ([3] if reported else [])


def test_pages_of_the_report_hold_every_series_once(world: World) -> None:
    for number in range(5):
        for _ in range(3):
            keep(world, f"did:key:{number}")
    seen: list[str] = []
    cursor = ""
    with world.database.begin() as connection:
        for _ in range(10):
            page = load_series(connection, world.probes, cursor=cursor, limit=2)
            seen += [account for one in page.series for account in one.accounts if len(one.accounts) == 1]
            cursor = page.cursor
            if not cursor:
                break
        with pytest.raises(MarketError) as caught:
            load_series(connection, world.probes, cursor="bm9uZQ")
    assert sorted(seen) == [f"did:key:{number}" for number in range(5)]
    assert caught.value.code is ErrorCode.MALFORMED_REQUEST
