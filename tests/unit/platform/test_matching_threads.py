"""Many items on several threads: the same findings as one after the other, and one failure ends it."""

import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from countermark.fingerprint import compute
from countermark.fingerprint.image.gallery import Gallery
from countermark.fingerprint.index.postings import Postings
from countermark.platform.matching import index as matching
from countermark.platform.matching.index import FingerprintIndex
from countermark.platform.matching.likeness import Likeness, Survey
from countermark.platform.matching.threads import batched, in_threads
from tests.support.pictures import EDITS, NAMES, fingerprint, photo
from tests.support.platform import World


def looks_at(kind: type[Gallery | Postings], monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that grows by each search of such an index: whether it was a quick one."""
    candidates, taken = kind.candidates, list[bool]()

    def recorded(self: Any, *query: Any, quick: bool) -> list[int]:
        taken.append(quick)
        return candidates(self, *query, quick=quick)

    monkeypatch.setattr(kind, "candidates", recorded)
    return taken


@pytest.mark.requirement("R63")
def test_many_items_find_what_they_find_one_after_the_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        world.register(world.market.seller, fingerprint(photo(name)), data=name.encode())
    items = [fingerprint(edit(photo(name)), quality=70) for name in NAMES for edit in EDITS.values()]
    surveys: list[Survey] = []
    for threads, at_once, batch in ((1, 1, 1), (1, 8, 2000), (4, 3, 2000), (4, 3, 2)):
        monkeypatch.setattr(matching, "THREADS", threads)
        monkeypatch.setattr(matching, "_AT_ONCE", at_once)
        monkeypatch.setattr(matching, "_BATCH", batch)
        index = FingerprintIndex(world.box, world.database)
        with world.database.begin() as connection:
            index.refresh(connection)
        surveys.append(index.survey(items))
    assert surveys[0].likenesses
    assert all(survey == surveys[0] for survey in surveys)
    assert sum(len(one.copies) for one in surveys[0].likenesses.values()) == len(items)


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    ("offered", "looks"),
    [
        pytest.param(("coffee", "astronaut"), [True, True], id="strangers: a quick look alone"),
        pytest.param(("coffee", "chelsea"), [True, True, False, False], id="a copy among them: looked at closely"),
        pytest.param(("chelsea",), [False], id="few: looked at closely at once"),
    ],
)
def test_many_items_are_looked_at_closely_where_a_quick_look_finds_a_copy(
    world: World, monkeypatch: pytest.MonkeyPatch, offered: tuple[str, ...], looks: list[bool]
) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    monkeypatch.setattr(matching, "_MANY", 2)
    index, taken = FingerprintIndex(world.box, world.database), looks_at(Gallery, monkeypatch)
    with world.database.begin() as connection:
        index.refresh(connection)
    survey = index.survey([fingerprint(photo(name)) for name in offered], quickly=True)
    assert taken == looks
    assert bool(survey.likenesses) is ("chelsea" in offered)


def test_what_an_index_looks_at_closely_at_once_is_looked_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = compute(io.BytesIO(" ".join(f"word{n}" for n in range(400)).encode()), "text/v1")
    world.register(world.market.seller, text)
    monkeypatch.setattr(matching, "_MANY", 2)
    index, taken = FingerprintIndex(world.box, world.database), looks_at(Postings, monkeypatch)
    with world.database.begin() as connection:
        index.refresh(connection)
    assert index.survey([text, text, text], quickly=True).likenesses
    assert taken == [False] * 3


@pytest.mark.parametrize(("doubted", "closely"), [(4, False), (5, True)])
def test_so_many_doubts_are_looked_at_closely(
    world: World, monkeypatch: pytest.MonkeyPatch, doubted: int, closely: bool
) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    index, looks = FingerprintIndex(world.box, world.database), list[bool]()
    with world.database.begin() as connection:
        index.refresh(connection)

    def surveyed(*_: object, quick: bool, **__: object) -> Survey:
        looks.append(quick)
        doubts = {
            str(number): Likeness(False, 0.8, doubted=frozenset({("image", number)})) for number in range(doubted)
        }
        return Survey(index.seen, doubts)

    monkeypatch.setattr(index, "_surveyed", surveyed)
    index.survey([fingerprint(photo("coffee"))] * 250, quickly=True)
    assert looks == [True, False][: 1 + closely]


def test_what_was_seen_is_not_compared_again_under_the_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.register(world.market.seller, fingerprint(photo("chelsea")))
    index = FingerprintIndex(world.box, world.database)
    with world.database.begin() as connection:
        index.refresh(connection)
        monkeypatch.setattr(index, "_read", None)
        again = index.survey([fingerprint(photo("chelsea"))], since=index.seen, connection=connection)
    assert again == Survey(index.seen)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 40])
def test_results_come_in_the_order_of_the_tasks(threads: int, count: int) -> None:
    assert list(in_threads(lambda task: task * task, range(count), threads)) == [task * task for task in range(count)]


def test_one_failure_ends_the_work_and_is_told() -> None:
    done: list[int] = []

    def work(task: int) -> int:
        if task == 5:
            raise ValueError("the fifth")
        done.append(task)
        return task

    with pytest.raises(ValueError, match="the fifth"):
        list(in_threads(work, range(10_000), 3))
    assert len(done) < 100


def test_tasks_are_taken_up_as_they_are_worked_on_and_on_threads_of_their_own() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = in_threads(lambda _: threading.current_thread() is threading.main_thread(), tasks(), 2)
    assert next(results) is False
    assert len(taken) < 10
    results.close()  # type: ignore[attr-defined]  # a generator


def test_batches_hold_everything_once() -> None:
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batched([], 2)) == []
