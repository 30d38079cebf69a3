"""What the tables say of the work under way: each figure moves with what it counts, on a real database."""

from typing import Any

import pytest
from sqlalchemy import event

from countermark.platform.board.anchoring import AnchorJob
from countermark.platform.deadlines.watchdog import WatchdogJob
from countermark.platform.observing import figures
from countermark.platform.observing.figures import Deadlines, Figures, Packages
from countermark.platform.store import clock, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Request, State
from countermark.platform.store.sql import insert, update
from tests.support.market import DEADLINE_S, GUARD_S
from tests.support.platform import World
from tests.support.relay import Relay, seal_for


def read(world: World) -> Figures:
    with world.database.autocommit() as connection:
        return figures.read(connection, now_ms=world.clock())


def change(world: World, table: Any, **values: Any) -> None:
    with world.database.begin() as connection:
        connection.execute(update(table).values(values))


@pytest.fixture
def relay(world: World) -> Relay:
    trade = world.market.bring_to("FUNDED")
    return Relay(world, trade, *seal_for(world, trade))


def test_nothing_is_under_way_in_empty_tables(database: Database) -> None:
    with database.autocommit() as connection:
        empty = figures.read(connection, now_ms=1)
    assert empty == Figures(
        blocks=0,
        open_transactions=0,
        oldest_open_ms=0,
        unresolved_outcomes=0,
        unanchored_entries=0,
        oldest_unanchored_ms=0,
        anchor_overdue_ms=0,
        webhooks={"active": 0, "waiting": 0, "disabled": 0},
        trades={},
        packages={},
        deadlines={kind: Deadlines() for kind in ("trade", "listing", "redemption")},
    )


def test_the_age_of_a_request_counts_from_its_first_attempt(world: World) -> None:
    with world.database.begin() as connection:
        first = world.outbox.enqueue(connection, Request("clock.tick", ()))
        change_to = world.outbox.propose(connection, first.request_id, first.request)
        world.outbox.supersede(connection, first, change_to)
    with world.database.begin() as connection:
        statement = update(tables.outbox).where(tables.outbox.c.tx_id == first.tx_id)
        connection.execute(statement.values(created_ms=clock.now() - 90_000))
    now = read(world)
    assert now.open_transactions == 1
    assert 90_000 <= now.oldest_open_ms < 900_000


def test_an_outcome_is_unresolved_from_the_first_question_in_vain_until_it_is_known(world: World) -> None:
    with world.database.begin() as connection:
        entry = world.outbox.enqueue(connection, Request("clock.tick", ()))
        world.outbox.move(connection, entry, State.SUBMITTED, envelope=b"envelope", result=b"{}")
    assert read(world).unresolved_outcomes == 0
    change(world, tables.outbox, tries=1)
    assert read(world).unresolved_outcomes == 1
    change(world, tables.outbox, state="COMMITTED")
    now = read(world)
    assert (now.unresolved_outcomes, now.open_transactions, now.oldest_open_ms) == (0, 0, 0)


def test_deadlines_are_pending_then_overdue_then_gone(world: World) -> None:
    world.market.bring_to("FUNDED")
    before = read(world)
    assert before.deadlines["trade"] == Deadlines(pending=1)
    assert before.trades == {"FUNDED": 1}
    world.wait(DEADLINE_S + GUARD_S - 1)
    assert read(world).deadlines["trade"].overdue == 0, "nobody may enforce it before the guard has passed"
    world.wait(31)
    assert read(world).deadlines["trade"] == Deadlines(1, 1, 30_000)
    WatchdogJob(world.acting).run_once()
    after = read(world)
    assert (after.deadlines["trade"], after.trades) == (Deadlines(), {})


def test_the_oldest_entry_of_the_board_ages_until_it_is_anchored_and_its_promise_breaks(relay: Relay) -> None:
    world = relay.world
    relay.put()
    relay.submit("seller")
    assert read(world).unanchored_entries == 1
    world.wait(40)
    now = read(world)
    assert (now.oldest_unanchored_ms, now.anchor_overdue_ms) == (40_000, 0)
    world.wait(25)  # promised within 60 s
    assert read(world).anchor_overdue_ms == 5_000
    AnchorJob(world.acting, world.board).run_once()
    now = read(world)
    assert (now.unanchored_entries, now.oldest_unanchored_ms, now.anchor_overdue_ms) == (0, 0, 0)


def test_packages_of_running_trades_are_counted_with_their_bytes(relay: Relay) -> None:
    relay.put(stop=1000)
    assert read(relay.world).packages == {"UPLOADING": Packages(1, len(relay.package))}
    relay.put(start=1000)
    assert read(relay.world).packages == {"COMPLETE": Packages(1, len(relay.package))}
    relay.world.market.expire()
    WatchdogJob(relay.world.acting).run_once()
    assert read(relay.world).packages == {}, "the trade has ended"


def test_webhooks_wait_while_there_are_news_and_are_given_up(world: World) -> None:
    row = {"id": "h", "account": "a", "url": b"", "state": "ACTIVE", "position": 5, "news": 5, "failures": 0}
    times = {"last_error": "", "due_ms": 0, "created_ms": 0, "lease_until_ms": 0}
    with world.database.begin() as connection:
        connection.execute(insert(tables.webhooks), {**row, **times})
    assert read(world).webhooks == {"active": 1, "waiting": 0, "disabled": 0}
    change(world, tables.webhooks, news=6)
    assert read(world).webhooks == {"active": 1, "waiting": 1, "disabled": 0}
    change(world, tables.webhooks, state="DISABLED")
    assert read(world).webhooks == {"active": 0, "waiting": 0, "disabled": 1}


def test_a_scrape_costs_two_statements(world: World) -> None:
    statements: list[str] = []
    with world.database.autocommit() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))
        figures.read(connection, now_ms=world.clock())
    assert len(statements) == 2
