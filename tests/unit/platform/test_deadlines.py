"""Nobody acts: deadlines are enforced, and payments are compared with transmissions (R76, R77)."""

import logging
from pathlib import Path

import pytest

from countermark.platform.deadlines.comparison import ComparisonJob, Discrepancy, Transmission, compare
from countermark.platform.deadlines.due import find_due
from countermark.platform.deadlines.watchdog import WatchdogJob
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.trades import Committed, TradeView
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import DEFAULTS, TradeState
from tests.support.market import DEADLINE_S, GUARD_S, anything
from tests.support.pictures import fingerprint, photo
from tests.support.platform import World

NOW_MS = 1_000_000


@pytest.fixture
def watchdog(world: World) -> WatchdogJob:
    return WatchdogJob(world.acting)


@pytest.mark.requirement("R76")
@pytest.mark.requirement("R77")
@pytest.mark.parametrize(
    ("state", "after", "outcome"),
    [
        ("PAID", "REFUNDED", "no_fee"),
        ("FUNDED", "REFUNDED", "no_show"),
        ("UPLOADED", "REFUNDED", "not_relayed"),
        ("SENT", "SETTLED", "auto_released"),
        ("RECEIVED", "MATCHED", ""),
        ("MATCHED", "SETTLED", "auto_released"),
        ("MISMATCHED", "DISPUTED", ""),
        ("DISPUTED", "SETTLED", "buyer_silent"),
        ("EVIDENCED", "EVIDENCED", ""),
    ],
)
def test_the_watchdog_takes_a_trade_on_when_its_time_is_over(
    world: World, watchdog: WatchdogJob, state: str, after: str, outcome: str
) -> None:
    trade = world.market.bring_to(state)
    # Not at the deadline: only when the guard has passed as well.
    world.wait(DEADLINE_S + GUARD_S - 1)
    assert watchdog.run_once() == 0
    assert world.market.trade(trade)["state"] == state
    world.wait(1)
    assert watchdog.run_once() == 1
    record = world.market.trade(trade)
    assert (record["state"], record["outcome"]) == (after, outcome)
    assert watchdog.run_once() == 0


def test_every_state_with_a_deadline_is_among_them() -> None:
    assert {default.source for default in DEFAULTS} == {state for state in TradeState if not state.final}


@pytest.mark.requirement("A-24")
@pytest.mark.parametrize("state", ["PAID", "RECEIVED", "EVIDENCED"])
def test_the_watchdog_alone_brings_a_trade_to_its_end(world: World, watchdog: WatchdogJob, state: str) -> None:
    trade = world.market.bring_to(state)
    total = world.market.total()
    for _ in range(4):
        world.market.expire()
        watchdog.run_once()
        world.finish()
    assert TradeState(world.market.trade(trade)["state"]).final
    assert world.market.coins(f"trade/{trade}") == {}
    assert world.market.total() == total


def test_an_unpaid_management_fee_voids_the_contract(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path, {"fees": {"management": "100", "transaction_bps": 250, "arbiter": "400"}})
    registered = world.register(world.market.seller, fingerprint(photo("coffee")))
    world.market.expire()
    assert WatchdogJob(world.acting).run_once() == 1
    assert world.market.listing(registered.address)["state"] == "VOID"


def test_a_coin_that_its_issuer_does_not_burn_comes_back(world: World, watchdog: WatchdogJob) -> None:
    market = world.market
    coins = market.fund(market.buyer, 700)
    redeemed = market.ask(market.buyer, "coin.redeem", {"issuer": "PlatformMSP", "amount": "700"}, coins)
    assert market.balance(market.buyer) == 0
    assert watchdog.run_once() == 0
    market.expire()
    assert watchdog.run_once() == 1
    assert market.balance(market.buyer) == 700
    assert watchdog.run_once() == 0
    (row,) = world.rows(tables.redemptions)
    assert (row.id, row.deadline_ms) == (redeemed["id"], None)


def test_the_longest_overdue_comes_first(world: World) -> None:
    market = world.market
    first = market.bring_to("PAID")
    world.wait(1)
    second = market.bring_to("PAID", market.list_data(data=b"other")["id"])
    market.expire()
    with world.database.begin() as connection:
        assert [due.subject for due in find_due(connection, world.clock())] == [first, second]


def test_one_trade_that_the_ledger_refuses_does_not_keep_the_others_waiting(
    world: World, watchdog: WatchdogJob, caplog: pytest.LogCaptureFixture
) -> None:
    market = world.market
    bad, good = market.bring_to("PAID"), market.bring_to("PAID", market.list_data(data=b"other")["id"])
    market.expire()
    real = world.acting.call

    def call(function: str, *args: str) -> bool:
        if args == (bad,):
            raise MarketError(ErrorCode.CONFLICT, "somebody was faster")
        return real(function, *args)

    object.__setattr__(world.acting, "call", call)
    with caplog.at_level(logging.WARNING):
        assert watchdog.run_once() == 1
    assert market.trade(good)["state"] == "REFUNDED"
    assert f"trade.enforce {bad} failed: conflict" in caplog.text


def test_a_ledger_that_is_away_is_asked_again(world: World, watchdog: WatchdogJob) -> None:
    trade = world.market.bring_to("PAID")
    world.market.expire()
    world.channel.away = True
    watchdog.run_once()
    world.channel.away = False
    with world.database.begin() as connection:
        connection.execute(tables.outbox.update().values(lease_until_ms=0))
    world.submitter.run_once()
    assert world.market.trade(trade)["state"] == "REFUNDED"
    assert watchdog.run_once() == 0


# Payments and transmissions


def _trade(**changes: object) -> TradeView:
    values = {
        "id": "tr1",
        "listing": "dc1",
        "seller": "s",
        "buyer": "b",
        "state": TradeState.FUNDED,
        "outcome": "",
        "deadline_ms": NOW_MS + 1,
        "guard_s": 0,
        "package_root": "",
        "package_size": 0,
        "seller_notice": "",
        "buyer_notice": "",
        "verdict": "",
        "relayed_at_ms": None,
        "updated_at_ms": 0,
        "arbiter": "a",
        "substitute": "t",
        "disputed": False,
        "decider": "",
        "openings": {},
        "reasons": "",
        **changes,
    }
    return TradeView(**values)  # type: ignore[arg-type]  # a table of values


_SENT = {
    "state": TradeState.SENT,
    "package_root": "root",
    "seller_notice": "s",
    "relayed_at_ms": 5,
}


def _remedied(relayed_at_ms: int | None = None) -> TradeView:
    return _trade(**_SENT, remedy=Committed("second", 5, "r", relayed_at_ms))


@pytest.mark.requirement("R76")
@pytest.mark.parametrize(
    ("trade", "transmission", "found"),
    [
        (_trade(), Transmission(frozenset(), ""), []),
        (_trade(deadline_ms=NOW_MS), Transmission(frozenset(), ""), [Discrepancy.NOT_TRANSMITTED]),
        (_trade(deadline_ms=NOW_MS, guard_s=1), Transmission(frozenset(), ""), []),
        (_trade(deadline_ms=NOW_MS - 1000, guard_s=1), Transmission(frozenset(), ""), [Discrepancy.NOT_TRANSMITTED]),
        # Nothing can have been transmitted before the seller has accepted.
        (_trade(state=TradeState.PAID, deadline_ms=0), Transmission(frozenset(), ""), []),
        (_trade(**_SENT), Transmission(frozenset({"s"}), "root"), []),
        (_trade(**_SENT, deadline_ms=0), Transmission(frozenset({"s"}), "root"), []),
        (_trade(**_SENT), Transmission(frozenset(), "root"), [Discrepancy.NOTICE_MISSING]),
        (_trade(**_SENT, buyer_notice="b"), Transmission(frozenset({"s"}), "root"), [Discrepancy.NOTICE_MISSING]),
        (_trade(**_SENT), Transmission(frozenset({"s"}), ""), [Discrepancy.PACKAGE_MISSING]),
        (_trade(**_SENT), Transmission(frozenset({"s"}), "other"), [Discrepancy.PACKAGE_DIFFERS]),
        (_trade(seller_notice="s", package_root="root"), Transmission(frozenset({"s", "t"}), ""), []),
        (_remedied(), Transmission(frozenset({"s", "r"}), "root", ""), []),
        (_remedied(), Transmission(frozenset({"s"}), "root", ""), [Discrepancy.NOTICE_MISSING]),
        (_remedied(), Transmission(frozenset({"s", "r"}), "root", "other"), [Discrepancy.PACKAGE_DIFFERS]),
        (_remedied(), Transmission(frozenset({"s", "r"}), "", "second"), [Discrepancy.PACKAGE_MISSING]),
        (_remedied(relayed_at_ms=6), Transmission(frozenset({"s", "r"}), "root", "second"), []),
        (_remedied(relayed_at_ms=6), Transmission(frozenset({"s", "r"}), "root", ""), [Discrepancy.PACKAGE_MISSING]),
    ],
)
def test_what_was_paid_is_compared_with_what_was_transmitted(
    trade: TradeView, transmission: Transmission, found: list[Discrepancy]
) -> None:
    assert list(compare(trade, transmission, NOW_MS)) == found


@pytest.mark.requirement("A-29")
@pytest.mark.requirement("R76")
def test_a_seller_who_was_paid_and_sends_nothing_loses_his_bond_to_the_buyer(world: World) -> None:
    market = world.market
    trade = market.bring_to("FUNDED")
    paid = sum(int(coin["amount"]) for coin in market.trade(trade)["escrow"] if coin["role"] != "fee")
    job = ComparisonJob(world.acting)
    assert job.run_once() == 0
    market.expire()
    assert job.run_once() == 1
    assert market.trade(trade)["outcome"] == "no_show"
    assert market.balance(market.buyer) == paid
    assert job.run_once() == 0


def test_what_should_not_be_is_reported_and_not_enforced(world: World, caplog: pytest.LogCaptureFixture) -> None:
    trade = world.market.bring_to("SENT")
    with caplog.at_level(logging.ERROR):
        assert ComparisonJob(world.acting).run_once() == 0
    assert f"trade {trade}: notice_missing" in caplog.text
    assert f"trade {trade}: package_missing" in caplog.text
    assert anything("seller's notice") not in caplog.text
    assert world.market.trade(trade)["state"] == "SENT"
