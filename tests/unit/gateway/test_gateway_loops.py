"""Loops of the worker and the bell that wakes them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from countermark.gateway.bell import Bell
from countermark.gateway.loops import Loop
from countermark.platform.store import channels
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import func, insert, select
from countermark.platform.store.tables import checkpoint
from countermark.protocol.errors import ErrorCode, MarketError

WAIT_S = 20.0


def notify(database: Database, channel: str) -> None:
    with database.begin() as connection:
        connection.execute(select(func.pg_notify(channel, "1")))


def test_bell_rings_for_what_is_notified(database: Database) -> None:
    bell = Bell(database, channels.BLOCKS, channels.WORK)
    rung = bell.rung()
    while bell.rung() == rung:  # once it listens, it has rung for what it may have missed
        bell.wait(rung, WAIT_S)
    for channel in (channels.BLOCKS, channels.WORK):
        rung = bell.rung()
        notify(database, channel)
        while bell.rung() == rung:
            bell.wait(rung, WAIT_S)
    bell.close()


def test_waiting_for_a_height_ends_with_its_time(database: Database) -> None:
    bell = Bell(database)
    assert not bell.wait_height(1, timeout_s=0.01)
    assert bell.wait_height(0, timeout_s=0)
    bell.close()


def test_whoever_waits_for_a_height_sees_it_even_if_nothing_rings(database: Database) -> None:
    bell = Bell(database)
    assert not bell.wait_height(1, timeout_s=0)
    with database.begin() as connection:
        connection.execute(insert(checkpoint).values(id=1, block_number=0, block_hash=b"hash"))
    assert bell.wait_height(1, timeout_s=0)
    assert not bell.wait_height(2, timeout_s=0)
    bell.close()


def test_a_ring_is_looked_into_once_however_many_wait(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def height(_connection: object) -> int:
        looked.append(1)
        return 7

    monkeypatch.setattr("countermark.platform.views.progress.height", height)
    bell = Bell(database)
    rung = bell.rung()
    while bell.rung() == rung:  # once it listens, it rings no more by itself
        bell.wait(rung, WAIT_S)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: bell.wait_height(7, timeout_s=WAIT_S), range(32)))
    assert len(looked) == 1
    bell.close()


def test_bell_comes_back_after_the_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = database.listener, []

    def listener(*names: str) -> object:
        tries.append(names)
        if len(tries) == 1:
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE)
        return real(*names)

    monkeypatch.setattr(database, "listener", listener)
    bell = Bell(database)
    while not bell.rung():
        bell.wait(0, WAIT_S)
    assert len(tries) == 2
    bell.close()


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), MarketError(ErrorCode.LEDGER_UNAVAILABLE), ValueError("secret")]
)
def test_failing_loop_stops_neither_itself_nor_others(
    database: Database,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("countermark.gateway.loops.REST_S", 0.01)
    bell = Bell(database)
    again, other = threading.Event(), threading.Event()
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        if len(calls) > 2:
            again.set()
        raise error

    loops = [Loop("failing", fail, every_s=60, bell=bell), Loop("other", other.set, every_s=60, bell=bell)]
    for loop in loops:
        loop.start()
    assert again.wait(WAIT_S)
    assert other.wait(WAIT_S)
    bell.close()
    assert all(loop.join(WAIT_S) for loop in loops)
    logged = capsys.readouterr().out
    assert "failing" in logged
    assert "secret" not in logged


def test_loop_is_woken_before_its_time(database: Database) -> None:
    bell = Bell(database)
    runs = threading.Semaphore(0)
    loop = Loop("woken", runs.release, every_s=3600, bell=bell)
    loop.start()
    assert runs.acquire(timeout=WAIT_S)
    while not runs.acquire(timeout=0.2):
        notify(database, channels.BLOCKS)
    bell.close()
    assert loop.join(WAIT_S)


def test_loop_by_timer_alone_is_not_woken(database: Database) -> None:
    bell = Bell(database)
    runs: list[int] = []
    ran = threading.Event()

    def run() -> None:
        runs.append(1)
        ran.set()

    loop = Loop("timed", run, every_s=3600, bell=bell, woken=False)
    loop.start()
    assert ran.wait(WAIT_S)
    before = bell.rung()
    notify(database, channels.BLOCKS)
    while bell.rung() == before:
        notify(database, channels.BLOCKS)
        bell.wait(before, WAIT_S)
    bell.close()
    assert loop.join(WAIT_S)
    assert runs == [1]
