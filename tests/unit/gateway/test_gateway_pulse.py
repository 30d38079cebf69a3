"""The worker's pulse: there while all loops go round, and only then."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from countermark.gateway import pulse
from countermark.gateway.bell import Bell
from countermark.gateway.loops import Loop
from countermark.gateway.pulse import FRESH_S, Pulse, age_s
from countermark.platform.store.engine import Database

WAIT_S = 20.0


@contextmanager
def running(database: Database, *steps: threading.Event, endless: bool = False) -> Iterator[list[Loop]]:
    """A loop for each of `steps`, whose step goes on until the event is set; each has begun it."""
    bell = Bell(database)
    begun = [threading.Event() for _ in steps]
    loops = []
    for number, (ends, begins) in enumerate(zip(steps, begun, strict=True)):

        def step(ends: threading.Event = ends, begins: threading.Event = begins) -> None:
            begins.set()
            ends.wait()

        loops.append(Loop(f"loop {number}", step, every_s=3600, bell=bell, endless=endless))
    for loop in loops:
        loop.start()
    try:
        assert all(begins.wait(WAIT_S) for begins in begun)
        yield loops
    finally:
        for ends in steps:
            ends.set()
        bell.close()
        assert all(loop.join(WAIT_S) for loop in loops)


def ended() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_a_worker_whose_loops_go_round_has_a_pulse(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "pulse"
    with running(database, ended(), ended()) as loops:
        assert Pulse(file, loops, clock=lambda: 100.0).beat() == []
        assert age_s(file, now=103.5) == 3.5
        assert Pulse(file, loops, clock=lambda: 110.0).beat() == []
        assert age_s(file, now=110.0) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["pulse"]


def test_a_loop_that_hangs_ends_the_pulse_and_is_named(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pulse"
    monkeypatch.setattr(pulse, "STUCK_S", 0.0)
    with running(database, threading.Event(), ended()) as loops:
        assert Pulse(file, loops).beat() == ["loop 0"]
        assert age_s(file, now=0) is None


def test_a_step_has_its_time(database: Database, tmp_path: Path) -> None:
    with running(database, threading.Event()) as loops:
        assert Pulse(tmp_path / "pulse", loops).beat() == []


def test_the_projector_may_follow_the_ledger_for_ever(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "STUCK_S", 0.0)
    with running(database, threading.Event(), endless=True) as loops:
        assert Pulse(tmp_path / "pulse", loops).beat() == []


def test_a_loop_that_has_ended_ends_the_pulse(database: Database, tmp_path: Path) -> None:
    with running(database, ended()) as loops:
        pass
    assert Pulse(tmp_path / "pulse", loops).beat() == ["loop 0"]


@pytest.mark.parametrize("content", ["", "now", None])
def test_what_is_no_pulse_is_none(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "pulse"
    if content is not None:
        file.write_text(content)
    assert age_s(file, now=5.0) is None
    assert pulse.main([str(file)]) == 1


@pytest.mark.parametrize(("age", "status"), [(0.0, 0), (FRESH_S - 1, 0), (FRESH_S + 1, 1)])
def test_a_pulse_must_be_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, status: int) -> None:
    file = tmp_path / "pulse"
    file.write_text("1000.0")
    monkeypatch.setattr("time.monotonic", lambda: 1000.0 + age)
    assert pulse.main([str(file)]) == status
