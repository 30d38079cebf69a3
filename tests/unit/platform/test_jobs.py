"""Jobs: one worker at a time, item by item, and acts that are done once."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from countermark.platform.deadlines.watchdog import WatchdogJob
from countermark.platform.jobs import leased
from countermark.platform.jobs.acts import RETRY_MS
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.store import leases, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import forget_calls
from countermark.platform.store.outbox.trimming import KEPT_MS
from countermark.platform.store.sql import select
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.platform import World


class Recorder(LeasedJob[str]):
    """Notes what it handles; some items fail in their own way."""

    name: ClassVar[str] = "recorder"

    def __init__(self, database: Database, items: Iterable[str]) -> None:
        super().__init__(database)
        self.items = list(items)
        self.handled: list[str] = []

    def find(self) -> Iterable[str]:
        return self.items

    def handle(self, item: str) -> bool:
        if item == "refused":
            raise MarketError(ErrorCode.CONFLICT, "a detail that may be shown")
        if item == "broken":
            raise KeyError("SECRET")
        self.handled.append(item)
        return item != "idle"

    def describe(self, item: str) -> str:
        return f"item {item}"


def test_a_failing_item_does_not_keep_the_others_waiting(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    job = Recorder(database, ["a", "refused", "b", "broken", "idle", "c"])
    with caplog.at_level(logging.WARNING):
        assert job.run_once() == 3
    assert job.handled == ["a", "b", "idle", "c"]
    assert "item refused failed: conflict: a detail that may be shown" in caplog.text
    assert "item broken failed: KeyError" in caplog.text
    assert "SECRET" not in caplog.text


def test_only_one_worker_has_the_job(database: Database) -> None:
    assert leases.acquire(database, "recorder", holder="another worker", duration_ms=60_000)
    job = Recorder(database, ["a"])
    assert job.run_once() == 0
    leases.release(database, "recorder", holder="another worker")
    assert job.run_once() == 1


def test_a_worker_that_died_keeps_the_job_only_until_its_lease_ends(database: Database) -> None:
    leases.acquire(database, "recorder", holder="dead", duration_ms=0)
    assert Recorder(database, ["a"]).run_once() == 1


def test_a_worker_that_lost_its_lease_stops(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "_RENEWED_S", 0.0)  # so much time has passed with the first item

    class Slow(Recorder):
        def handle(self, item: str) -> bool:
            with self.database.begin() as connection:
                # Somebody else took over while this item was handled.
                connection.execute(tables.leases.update().values(holder="another worker"))
            return super().handle(item)

    job = Slow(database, ["a", "b"])
    assert job.run_once() == 1
    assert job.handled == ["a"]


def test_a_worker_that_finds_nothing_takes_no_lease(database: Database) -> None:
    leases.acquire(database, "recorder", holder="another worker", duration_ms=60_000)
    assert Recorder(database, []).run_once() == 0
    with database.begin() as connection:
        (holder,) = connection.execute(select(tables.leases.c.holder)).scalars()
    assert holder.endswith("another worker")
    leases.release(database, "recorder", holder="another worker")
    assert Recorder(database, []).run_once() == 0
    with database.begin() as connection:
        assert connection.execute(select(tables.leases.c.until_ms)).scalars().all() == [0]


def test_the_lease_is_free_after_each_run(database: Database) -> None:
    first, second = Recorder(database, ["a"]), Recorder(database, ["a"])
    assert (first.run_once(), second.run_once(), first.run_once()) == (1, 1, 1)


# Acts


def _attempts(world: World, function: str) -> list[str]:
    return sorted(row.state for row in world.rows(tables.outbox) if row.function == function)


def _rest(world: World) -> None:
    """Let the rest after a failure pass, whose time is the database's."""
    outbox = tables.outbox
    with world.database.begin() as connection:
        connection.execute(outbox.update().values(updated_ms=outbox.c.updated_ms - RETRY_MS))


def test_an_act_is_done_once_however_often_it_is_asked_for(world: World) -> None:
    trade = world.market.bring_to("RECEIVED")
    params = {"trade": trade, "result": "match"}
    assert [world.acting.sign("trade.check", params) for _ in range(3)] == [True, False, False]
    world.finish()
    assert not world.acting.sign("trade.check", params)
    assert world.market.trade(trade)["state"] == "MATCHED"
    assert _attempts(world, "trade.check") == ["COMMITTED"]


def test_a_refused_act_rests_and_is_tried_again(world: World) -> None:
    trade = world.market.bring_to("RECEIVED")
    params = {"trade": trade, "result": "match"}
    world.channel.refuse["trade.check"] = MarketError(ErrorCode.CONFLICT)
    assert [world.acting.sign("trade.check", params) for _ in range(2)] == [True, False]
    _rest(world)
    assert world.acting.sign("trade.check", params)
    _rest(world)
    # The second failure is rested from twice as long.
    assert not world.acting.sign("trade.check", params)
    del world.channel.refuse["trade.check"]
    _rest(world)
    assert world.acting.sign("trade.check", params)
    world.finish()
    assert world.market.trade(trade)["state"] == "MATCHED"
    assert _attempts(world, "trade.check") == ["COMMITTED", "REFUSED", "REFUSED"]


def test_a_call_that_anybody_may_make_can_be_meant_again_once_its_block_is_applied(world: World) -> None:
    trade = world.market.bring_to("RECEIVED")
    world.market.expire()
    projector, world.channel.projector = world.channel.projector, None
    assert [world.acting.call("trade.enforce", trade) for _ in range(2)] == [True, False]
    world.finish()
    assert not world.acting.call("trade.enforce", trade)
    world.channel.projector = projector
    world.channel.project()
    world.market.expire()
    assert world.acting.call("trade.enforce", trade)
    world.finish()
    assert world.market.trade(trade)["state"] == "SETTLED"
    assert _attempts(world, "trade.enforce") == ["COMMITTED", "COMMITTED"]


def test_a_call_that_met_nothing_to_do_rests(world: World) -> None:
    trade = world.market.bring_to("MATCHED")
    world.market.act("trade.confirm", trade)
    assert [world.acting.call("trade.enforce", trade) for _ in range(2)] == [True, False]


def test_a_refused_call_rests_and_is_tried_again(world: World) -> None:
    trade = world.market.bring_to("PAID")
    assert [world.acting.call("trade.enforce", trade) for _ in range(2)] == [True, False]
    world.market.expire()
    _rest(world)
    assert world.acting.call("trade.enforce", trade)
    assert world.market.trade(trade)["outcome"] == "no_fee"


def test_many_workers_that_mean_the_same_call_make_it_once(world: World) -> None:
    trade = world.market.bring_to("RECEIVED")
    world.market.expire()
    with ThreadPoolExecutor(4) as pool:
        called = list(pool.map(lambda _: world.acting.call("trade.enforce", trade), range(8)))
    assert sum(called) == 1
    assert len(_attempts(world, "trade.enforce")) == 1


def test_nobody_waits_for_the_block_of_one_act_before_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst of overdue trades is ordered at once; how it ended is learnt from the same blocks."""
    trades = [world.market.bring_to("PAID", world.market.list_data(data=b"%d" % n)["id"]) for n in range(4)]
    world.market.expire()
    asked: list[str] = []
    status = world.channel.status
    monkeypatch.setattr(world.channel, "status", lambda tx_id: asked.append(tx_id) or status(tx_id))
    assert WatchdogJob(world.acting).run_once() == len(trades)
    assert asked == []
    assert {world.market.trade(trade)["outcome"] for trade in trades} == {"no_fee"}
    world.finish()
    assert len(asked) == len(trades)
    assert _attempts(world, "trade.enforce") == ["COMMITTED"] * len(trades)


def test_ended_calls_are_forgotten_after_a_while_and_intents_never(world: World) -> None:
    trade = world.market.bring_to("RECEIVED")
    world.market.expire()
    world.channel.away = True
    assert world.acting.call("clock.tick")  # stays open
    world.channel.away = False
    assert world.acting.call("trade.enforce", trade)
    assert not world.acting.call("trade.enforce", trade)
    world.acting.sign("trade.check", {"trade": trade, "result": "match"})
    world.finish()
    assert forget_calls(world.database) == 0
    outbox = tables.outbox
    with world.database.begin() as connection:
        connection.execute(outbox.update().values(updated_ms=outbox.c.updated_ms - KEPT_MS))
    assert forget_calls(world.database) == 1
    assert {row.function for row in world.rows(outbox)} == {"clock.tick", "trade.check"}
