"""A pirate who edits somebody else's picture until it is accepted, told no more than yes or no (A-31).

He applies with every copy that he makes, or searches with each until it is found no more and applies with that;
alone, or by several accounts of one organisation. He is caught when an application is held back for review, or when
the gate answers no more, and has won when a copy is accepted. Held back, he edits on and tries again.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from PIL import Image

from countermark.fingerprint import Fingerprint, compute
from countermark.fingerprint.evaluation.adaptive import MOVES
from countermark.fingerprint.evaluation.families import scene
from countermark.platform.matching.allowance import INQUIRIES
from countermark.platform.matching.reviews import Reviews
from countermark.platform.matching.search import SampleSearch
from countermark.platform.matching.series import WINDOW_MS, Tally
from countermark.platform.store.engine import Database
from countermark.platform.store.postgres import EmbeddedPostgres
from countermark.protocol import canonical, searches
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import open_sealed
from tests.fixtures.postgres import fresh_database
from tests.support import figures
from tests.support.market import TRADER, Actor, actor
from tests.support.pictures import NAMES, fingerprint, jpeg, photo
from tests.support.platform import MARKET, World, application, sealed
from tests.support.sizes import size

RUNS = size(10, 20)
BY_TURNS = size(6, 20)
"""The same runs by several accounts."""

COPIES = 16
"""Most copies of one run, of three edits each: whoever edits further has a picture that nobody buys."""

MORE = 2
"""So many copies further he tries to get on when he is held back."""

ACCEPTED = "accepted"
CAUGHT = (ErrorCode.UNDER_REVIEW, ErrorCode.RATE_LIMITED)


@cache
def picture(name: str) -> Image.Image:
    smaller = photo(name).copy()
    smaller.thumbnail((224, 224))
    return smaller


class Chain:
    """The copies of one run, each made of the one before by three edits at random."""

    def __init__(self, seed: int) -> None:
        self.name = NAMES[seed % len(NAMES)]
        self._random = np.random.default_rng([31, seed])
        self._last = jpeg(picture(self.name))
        self._copies: list[Fingerprint] = []

    def __getitem__(self, number: int) -> Fingerprint:
        while len(self._copies) <= number:
            for _ in range(3):
                move = list(MOVES)[self._random.integers(len(MOVES))]
                self._last = MOVES[move].copy(Image.open(io.BytesIO(self._last)).convert("RGB"), self._random)
            self._copies.append(compute(io.BytesIO(self._last)))
        return self._copies[number]


@cache
def chain(seed: int) -> Chain:
    return Chain(seed)


@dataclass
class Run:
    """What came of one run; ``caught_after`` so many attempts, 0 where he was not."""

    answers: list[str] = field(default_factory=list)
    searched: int = 0
    caught_after: int = 0

    def answered(self, answer: str) -> bool:
        """Take an answer of the gate, and return whether the run is over."""
        self.answers.append(answer)
        attempts = self.searched + len(self.answers)
        if answer in CAUGHT and not self.caught_after:
            self.caught_after = attempts
        over = self.caught_after and attempts >= self.caught_after + MORE
        return bool(over) or answer in (ACCEPTED, ErrorCode.RATE_LIMITED)


class Pirate:
    """Accounts that act for one person, and what he asks by them in turn."""

    def __init__(self, world: World, accounts: list[Actor]) -> None:
        self.world = world
        self.accounts = accounts
        self._registration = world.registration()
        self._search = SampleSearch(world.inquiries())

    def apply(self, copy: Fingerprint, number: int = 0) -> str:
        """The gate's answer to the application `number`; who searches for several applies for none of them."""
        who = self.accounts[-1 - number % max(len(self.accounts) - 1, 1)]
        try:
            self._registration.register(application(who, copy, now_ms=self.world.clock()))
        except MarketError as refusal:
            return str(refusal.code)
        return ACCEPTED

    def finds(self, copy: Fingerprint) -> bool:
        """Whether a search with the copy finds anything; all of what is on the market is the victim's."""
        who = self.accounts[0]
        token = searches.sign_search(
            who.key, market=MARKET, fingerprint=copy.to_bytes(), issued_at_ms=self.world.clock()
        )
        answer = self._search.answer(sealed(token, "search"))
        plain = open_sealed({1: who.encryption}, answer, kind="search-answer", market=MARKET)
        return bool(canonical.loads(plain)["listings"])

    def try_each(self, seed: int) -> Run:
        """Apply with every copy."""
        run = Run()
        for number in range(COPIES):
            if run.answered(self.apply(chain(seed)[number], number)):
                break
        return run

    def climb(self, seed: int) -> Run:
        """Search with every copy, and apply with the first that is found no more, and with those made of it."""
        run = Run()
        for number in range(COPIES):
            if not run.answers:
                run.searched += 1
                if self.finds(chain(seed)[number]):
                    continue
            if run.answered(self.apply(chain(seed)[number], number)):
                break
        return run


@pytest.fixture(scope="module")
def world(
    postgres_server: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A market on which a victim sells four pictures; pirates come a week after each other."""
    for database in fresh_database(postgres_server, migrated_template):
        yield _market(database, tmp_path_factory)


def _market(database: Database, folders: pytest.TempPathFactory) -> World:
    world = World(database, folders.mktemp("world"))
    for name in NAMES:
        world.register(world.market.seller, fingerprint(picture(name)))
    for who in (one for accounts in (ALONE, ORGANISATION) for one in accounts):
        world.market.open_account(who, **({"sponsor": TRADER} if who in ORGANISATION else {}))
    return world


ALONE = [actor("pirate")]
ORGANISATION = [actor(f"pirate {number}") for number in range(4)]


def _campaign(world: World, accounts: list[Actor], tactic: str) -> list[Run]:
    runs = []
    for seed in range(RUNS if accounts == ALONE else BY_TURNS):
        pirate = Pirate(world, accounts)
        runs.append(pirate.try_each(seed) if tactic == "applies with every copy" else pirate.climb(seed))
        world.wait(WINDOW_MS / 1000 + 1)
    return runs


@pytest.mark.requirement("A-31")
@pytest.mark.parametrize("tactic", ["applies with every copy", "searches until it is found no more"])
@pytest.mark.parametrize("accounts", [ALONE, ORGANISATION], ids=["alone", "an organisation"])
def test_who_edits_a_copy_until_it_is_accepted_is_caught_first(
    world: World, accounts: list[Actor], tactic: str
) -> None:
    runs = _campaign(world, accounts, tactic)
    assert [run for run in runs if not run.caught_after or ACCEPTED in run.answers] == []
    assert all(run.searched <= INQUIRIES.most for run in runs)
    caught = sorted(run.caught_after for run in runs)
    middle = caught[len(caught) // 2]
    held = sum(ErrorCode.UNDER_REVIEW in run.answers for run in runs)
    figures.show(
        f"a pirate who {tactic}, accounts: {len(accounts)}: caught first in {len(caught)} of {len(runs)} runs, "
        f"held for review in {held}, after {caught[0]} to {caught[-1]} attempts, {middle} in the middle"
    )


@pytest.mark.requirement("A-31")
def test_without_the_rule_about_series_some_copies_are_accepted(
    database: Database, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is the rule that catches them, and not the pictures."""
    monkeypatch.setattr(Tally, "is_series", property(lambda _: False))
    world = _market(database, tmp_path_factory)
    accepted = sum(ACCEPTED in Pirate(world, ALONE).climb(seed).answers for seed in range(4))
    assert accepted > 0


@pytest.mark.requirement("A-31")
def test_a_picture_of_his_own_passes_though_its_seller_has_a_series(world: World) -> None:
    pirate = Pirate(world, ALONE)
    for number in range(4):
        assert pirate.apply(chain(0)[number]) != ACCEPTED
    own = fingerprint(scene(np.random.default_rng(7)))
    assert pirate.apply(own) == ACCEPTED


@pytest.mark.requirement("A-31")
def test_what_was_held_for_a_series_passes_once_a_person_has_approved_it(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = _market(database, tmp_path_factory)
    pirate = Pirate(world, ALONE)
    first = next(number for number in range(COPIES) if not pirate.finds(chain(3)[number]))
    assert pirate.apply(chain(3)[first]) == ErrorCode.UNDER_REVIEW
    with world.database.begin() as connection:
        (case,) = Reviews(world.box).waiting(connection)
        Reviews(world.box).resolve(connection, case.case_number, approve=True)
    assert pirate.apply(chain(3)[first + 1]) == ErrorCode.UNDER_REVIEW
    assert pirate.apply(chain(3)[first]) == ACCEPTED
