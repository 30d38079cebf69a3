"""The second package of a disputed trade: in as the first, out once it was relayed, and the first one untouched."""

import os
from typing import Any

import pytest

from countermark.platform.deadlines.comparison import ComparisonJob
from countermark.platform.relay import upload as upload_module
from countermark.platform.relay.retention import DAY_MS, RetentionJob
from countermark.platform.store import tables
from countermark.platform.trades import Delivery, WrongStateError
from countermark.protocol.errors import ErrorCode
from countermark.protocol.receipts import parse_receipt
from countermark.protocol.transitions import TradeState
from tests.support.market import actor, refused
from tests.support.platform import MARKET, World
from tests.support.relay import DATA, Relay, seal_for


@pytest.fixture
def first(world: World) -> Relay:
    """A trade in dispute, with the package that the arbiter looks at."""
    trade = world.market.bring_to("FUNDED")
    first = Relay(world, trade, *seal_for(world, trade, os.urandom(5_000)))
    first.bring_to_sent()
    world.market.act("trade.dispute", trade, reason="undecryptable")
    world.market.act("trade.open", trade)
    return first


@pytest.fixture
def remedy(first: Relay) -> Relay:
    """The same trade, and a second package for it."""
    return Relay(first.world, first.trade, *seal_for(first.world, first.trade), delivery=Delivery.REMEDY)


@pytest.fixture(scope="module")
def idle(shared_world: World) -> Relay:
    """A dispute over a package that never lay here, for tests that leave nothing."""
    trade = shared_world.market.bring_to("EVIDENCED")
    return Relay(shared_world, trade, *seal_for(shared_world, trade), delivery=Delivery.REMEDY)


def _rows(relay: Relay) -> dict[str, Any]:
    return {row.delivery: row for row in relay.world.rows(tables.packages)}


def _relayed(remedy: Relay) -> Relay:
    remedy.put()
    remedy.submit("seller")
    assert remedy.job.run_once() == 1
    assert remedy.relayed
    return remedy


def _flip(package: bytes) -> bytes:
    return package[:-1] + bytes([package[-1] ^ 1])


@pytest.mark.requirement("A-21")
@pytest.mark.parametrize("committed_first", [True, False], ids=["committed first", "uploaded first"])
def test_a_remedy_is_relayed_fetched_and_accepted(first: Relay, remedy: Relay, committed_first: bool) -> None:
    deadline = first.world.market.trade(first.trade)["deadline"]
    if committed_first:
        remedy.submit("seller")
        assert remedy.job.run_once() == 0
    half = len(remedy.package) // 2
    assert remedy.put(stop=half).received == half
    assert remedy.put(start=half).complete
    if not committed_first:
        assert remedy.job.run_once() == 0
        remedy.submit("seller")
    assert remedy.job.run_once() == 1
    assert remedy.job.run_once() == 0
    assert (remedy.state, first.world.market.trade(first.trade)["deadline"]) == (TradeState.EVIDENCED, deadline)
    assert remedy.fetch(10, 20) == remedy.package[10:20]
    assert remedy.fetch() == remedy.package
    first.world.market.act("trade.accept", first.trade)
    record = first.world.market.trade(first.trade)
    assert (record["state"], record["outcome"]) == ("SETTLED", "remedied")
    assert remedy.fetch() == remedy.package


def test_the_first_package_stays_as_it_is(first: Relay, remedy: Relay) -> None:
    before = _rows(first)["first"]
    remedy.put(stop=1000)
    remedy.put(stop=10)
    _relayed(remedy)
    remedy.fetch()
    assert _rows(first)["first"] == before
    assert first.fetch() == first.package
    assert _rows(first)["first"].state == "RELEASED"
    assert first.put(first.package + b"more").root == first.summary.root, "no byte of it is taken"
    assert first.fetch() == first.package


def test_a_dispute_over_a_package_that_never_lay_here_can_be_remedied(world: World) -> None:
    trade = world.market.bring_to("EVIDENCED")
    remedy = _relayed(Relay(world, trade, *seal_for(world, trade), delivery=Delivery.REMEDY))
    assert remedy.fetch() == remedy.package


def test_the_notice_of_a_remedy_stands_on_the_board_beside_the_first(first: Relay, remedy: Relay) -> None:
    submitted = remedy.submit("seller")
    receipt = parse_receipt(submitted.receipt, market=MARKET, platform=first.world.platform.address).receipt
    assert receipt.subject == first.trade
    record = first.world.market.trade(first.trade)
    assert record["remedy"]["notice"] != record["notices"]["seller"]
    digests = [(row.kind, row.digest) for row in first.world.rows(tables.board)]
    assert digests == [
        ("seller_notice", record["notices"]["seller"]),
        ("seller_notice", record["remedy"]["notice"]),
    ]


@pytest.mark.requirement("R39")
def test_other_bytes_than_the_committed_remedy_are_refused(remedy: Relay) -> None:
    remedy.submit("seller")
    for bad in (_flip(remedy.package), remedy.package + b"x"):
        with refused(ErrorCode.PACKAGE_ROOT_MISMATCH):
            remedy.put(bad)
    assert set(_rows(remedy)) == {"first"}
    assert remedy.job.run_once() == 0
    assert remedy.put().complete
    assert remedy.job.run_once() == 1


def test_the_first_package_again_is_not_taken_for_the_remedy(first: Relay, remedy: Relay) -> None:
    remedy.submit("seller")
    with refused(ErrorCode.PACKAGE_ROOT_MISMATCH):
        remedy.put(first.package)
    assert remedy.job.run_once() == 0


@pytest.mark.requirement("R38")
def test_the_buyer_gets_no_remedy_before_its_relay_has_committed(first: Relay, remedy: Relay) -> None:
    for prepare in (lambda: None, remedy.put, lambda: remedy.submit("seller")):
        prepare()
        with refused(ErrorCode.PACKAGE_NOT_RELEASED):
            remedy.fetch()
    assert first.fetch() == first.package
    remedy.job.run_once()
    assert remedy.fetch() == remedy.package
    for who, code in (("seller", ErrorCode.WRONG_ACTOR), ("stranger", ErrorCode.UNKNOWN_TRADE)):
        with refused(code):
            remedy.fetch(account=actor(who).address)


def test_who_decides_gets_the_first_package_alone(first: Relay, remedy: Relay) -> None:
    arbiter = first.world.market.arbiter.address
    _relayed(remedy)
    assert first.fetch(account=arbiter) == first.package
    with refused(ErrorCode.WRONG_ACTOR):
        remedy.fetch(account=arbiter)
    assert _rows(first)["remedy"].state == "COMPLETE"
    for act in (lambda: remedy.put(account=arbiter), lambda: first.put(account=arbiter)):
        with refused(ErrorCode.WRONG_ACTOR):
            act()


def test_a_buyer_who_was_refunded_gets_no_remedy(remedy: Relay) -> None:
    _relayed(remedy)
    remedy.world.market.act("trade.decide", remedy.trade)
    assert remedy.state == TradeState.REFUNDED
    with refused(ErrorCode.PACKAGE_NOT_RELEASED):
        remedy.fetch()


def test_a_remedy_without_its_notice_is_not_relayed(remedy: Relay) -> None:
    remedy.put()
    root, size = remedy.summary.root, remedy.summary.size
    remedy.world.market.act("trade.remedy", remedy.trade, package_root=root, package_size=size)
    assert remedy.job.run_once() == 0
    assert not remedy.relayed


# What is refused


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"start": 5}, ErrorCode.UPLOAD_OFFSET),
        ({"total": 1_000_001}, ErrorCode.TOO_LARGE),
        ({"account": actor("stranger").address}, ErrorCode.UNKNOWN_TRADE),
        ({"account": actor("buyer").address}, ErrorCode.WRONG_ACTOR),
    ],
)
def test_a_remedy_that_cannot_be_is_not_taken_in(idle: Relay, changes: dict[str, Any], code: ErrorCode) -> None:
    with refused(code):
        idle.put(**changes)
    assert idle.world.rows(tables.packages) == []


@pytest.mark.parametrize("state", ["FUNDED", "SENT", "MISMATCHED", "DISPUTED", "SETTLED"])
def test_a_remedy_out_of_turn_leaves_nothing(world: World, state: str) -> None:
    trade = world.market.bring_to("MATCHED" if state == "SETTLED" else state)
    if state == "SETTLED":
        world.market.act("trade.confirm", trade)
    remedy = Relay(world, trade, *seal_for(world, trade), delivery=Delivery.REMEDY)
    with refused(ErrorCode.WRONG_STATE):
        remedy.put()
    with pytest.raises(WrongStateError):
        remedy.submit("seller")
    for table in (tables.packages, tables.board, tables.outbox):
        assert world.rows(table) == []


def test_the_buyer_offers_no_remedy(idle: Relay) -> None:
    market = idle.world.market
    market.seller, seller = market.buyer, market.seller
    try:
        with refused(ErrorCode.WRONG_ACTOR):
            idle.submit("seller")
    finally:
        market.seller = seller
    assert idle.world.rows(tables.board) == []


def test_a_second_remedy_leaves_nothing_on_the_board(remedy: Relay) -> None:
    remedy.submit("seller")
    before = [remedy.world.rows(table) for table in (tables.board, tables.outbox)]
    with pytest.raises(WrongStateError):
        remedy.submit("seller")
    assert [remedy.world.rows(table) for table in (tables.board, tables.outbox)] == before


def test_nothing_is_uploaded_over_a_remedy_that_was_relayed(remedy: Relay) -> None:
    _relayed(remedy)
    other, _ = seal_for(remedy.world, remedy.trade, DATA[::-1])
    assert remedy.put(other).root == remedy.summary.root, "no byte of it is taken"
    assert remedy.fetch() == remedy.package
    # Though its row were lost with the database, what the ledger has certified cannot be replaced.
    with remedy.world.database.begin() as connection:
        connection.execute(tables.packages.delete().where(tables.packages.c.delivery == "remedy"))
    with refused(ErrorCode.WRONG_STATE):
        remedy.put()


# Crashes, and what becomes of it


@pytest.mark.parametrize("point", ["seal", "measure"])
def test_the_relay_finishes_a_remedy_that_a_dead_process_left(
    remedy: Relay, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def die(*_args: object, **_named: object) -> None:
        raise SystemExit

    remedy.submit("seller")
    monkeypatch.setattr(remedy.world.objects if point == "seal" else upload_module, point, die)
    with pytest.raises(SystemExit):
        remedy.put()
    monkeypatch.undo()
    status = remedy.upload.status(remedy.trade, account=remedy.seller, delivery=Delivery.REMEDY)
    assert (status.received, status.complete) == (len(remedy.package), False)
    assert remedy.job.run_once() == 1
    assert remedy.fetch() == remedy.package


@pytest.mark.requirement("A-17")
def test_both_packages_go_with_the_trade(first: Relay, remedy: Relay) -> None:
    world = first.world
    job = RetentionJob(world.database, objects=world.objects, clock=world.clock, kept_days=7)
    _relayed(remedy)
    assert job.run_once() == 0
    world.market.act("trade.accept", first.trade)
    assert job.run_once() == 1
    world.wait(7 * DAY_MS / 1000)
    assert job.run_once() == 1
    assert job.run_once() == 0
    rows = _rows(first)
    assert {name: row.state for name, row in rows.items()} == {"first": "DELETED", "remedy": "DELETED"}
    assert [world.objects.size(row.object_name) for row in rows.values()] == [0, 0]
    for relay in (first, remedy):
        with refused(ErrorCode.NOT_FOUND):
            relay.fetch()


def test_a_legal_hold_keeps_both_packages(first: Relay, remedy: Relay) -> None:
    world = first.world
    job = RetentionJob(world.database, objects=world.objects, clock=world.clock, kept_days=0)
    _relayed(remedy)
    world.market.act("trade.accept", first.trade)
    world.market.ask(world.market.supervisor, "listing.hold", {"listing": world.market.trade(first.trade)["listing"]})
    assert job.run_once() == 0
    assert (first.fetch(), remedy.fetch()) == (first.package, remedy.package)


def test_the_comparison_knows_the_remedy(remedy: Relay, caplog: pytest.LogCaptureFixture) -> None:
    world, packages = remedy.world, tables.packages
    job = ComparisonJob(world.acting)
    _relayed(remedy)
    assert list(job.find()) == []
    with world.database.begin() as connection:
        connection.execute(packages.delete().where(packages.c.delivery == "remedy"))
        connection.execute(tables.board.delete().where(tables.board.c.seq == 1))
    assert job.run_once() == 0
    assert "notice_missing" in caplog.text
    assert "package_missing" in caplog.text
