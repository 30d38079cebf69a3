"""The relay: resumable in, complete or not at all, out to the buyer after SENT; steps (14) to (22)."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from countermark.platform.board import submission
from countermark.platform.board.submission import MOST_RECENT, RECENT_MS
from countermark.platform.relay import upload as upload_module
from countermark.platform.relay.retention import DAY_MS, RetentionJob
from countermark.platform.store import tables
from countermark.platform.store.outbox import State
from countermark.platform.store.sql import select
from countermark.platform.trades import WrongStateError
from countermark.protocol import intents
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.notices import parse_notice, sign_notice
from countermark.protocol.receipts import parse_receipt
from countermark.protocol.transitions import TradeState
from tests.support.market import actor, anything
from tests.support.platform import MARKET, World, sealed
from tests.support.relay import DATA, ROOT, Relay, seal_for


@pytest.fixture
def relay(world: World) -> Relay:
    trade = world.market.bring_to("FUNDED")
    return Relay(world, trade, *seal_for(world, trade))


@pytest.fixture(scope="module")
def idle(shared_world: World) -> Relay:
    """A trade in FUNDED for tests that leave nothing."""
    trade = shared_world.market.bring_to("FUNDED")
    return Relay(shared_world, trade, *seal_for(shared_world, trade))


@pytest.fixture(scope="module")
def sent(shared_world: World) -> Relay:
    """A trade in SENT for tests that only read."""
    trade = shared_world.market.bring_to("FUNDED", shared_world.market.list_data(data=b"sent")["id"])
    relay = Relay(shared_world, trade, *seal_for(shared_world, trade))
    relay.bring_to_sent()
    return relay


def _code(error: pytest.ExceptionInfo[MarketError]) -> ErrorCode:
    return error.value.code


# In


def test_a_package_comes_in_pieces_and_is_complete_with_the_last(relay: Relay) -> None:
    half = len(relay.package) // 2
    first = relay.put(stop=half)
    assert (first.received, first.complete) == (half, False)
    assert relay.upload.status(relay.trade, account=relay.seller).received == half
    last = relay.put(start=half)
    assert (last.received, last.complete, last.root) == (len(relay.package), True, relay.summary.root)


def test_an_upload_that_broke_off_goes_on_where_it_stopped(relay: Relay) -> None:
    def broken() -> Iterator[bytes]:
        yield relay.package[:1000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        relay.put(data=broken())
    status = relay.upload.status(relay.trade, account=relay.seller)
    assert status.received == 1000
    assert relay.put(start=status.received).complete


def test_the_same_bytes_may_be_sent_again(relay: Relay) -> None:
    relay.put(stop=2000)
    relay.put(start=1000, stop=2000)
    assert relay.put(start=500).complete
    assert relay.put(start=500).complete
    assert relay.put().complete


def test_a_package_of_another_size_begins_anew(relay: Relay) -> None:
    relay.put(relay.package + b"more", stop=1000)
    with pytest.raises(MarketError) as caught:
        relay.put(start=1000)
    assert _code(caught) is ErrorCode.UPLOAD_OFFSET
    assert relay.put().complete


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"start": 5}, ErrorCode.UPLOAD_OFFSET),
        ({"start": -1}, ErrorCode.UPLOAD_OFFSET),
        ({"start": 10**9}, ErrorCode.UPLOAD_OFFSET),
        ({"total": 0}, ErrorCode.TOO_LARGE),
        ({"total": 1_000_001}, ErrorCode.TOO_LARGE),
        ({"account": actor("stranger").address}, ErrorCode.UNKNOWN_TRADE),
        ({"account": actor("buyer").address}, ErrorCode.WRONG_ACTOR),
    ],
)
def test_an_upload_that_cannot_be_is_refused(idle: Relay, changes: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(MarketError) as caught:
        idle.put(**changes)
    assert _code(caught) is code
    assert idle.trade not in {row.trade for row in idle.world.rows(tables.packages)}


def test_more_bytes_than_announced_are_refused_and_do_not_spoil_the_upload(relay: Relay) -> None:
    with pytest.raises(MarketError) as caught:
        relay.put(data=[relay.package[:1000], relay.package[1000:] + b"more"])
    assert _code(caught) is ErrorCode.TOO_LARGE
    assert relay.put(start=1000).complete


@pytest.mark.parametrize("state", ["PAID", "SENT", "SETTLED"])
def test_a_package_is_taken_only_where_the_trade_waits_for_it(world: World, state: str) -> None:
    trade = world.market.bring_to("MATCHED" if state == "SETTLED" else state)
    if state == "SETTLED":
        world.market.act("trade.confirm", trade)
    relay = Relay(world, trade, *seal_for(world, trade))
    with pytest.raises(MarketError) as caught:
        relay.put()
    assert _code(caught) is ErrorCode.WRONG_STATE


def _flip(package: bytes, at: int) -> bytes:
    return package[:at] + bytes([package[at] ^ 1]) + package[at + 1 :]


@pytest.mark.parametrize("damage", ["magic", "truncated", "extended"])
def test_what_is_no_package_is_thrown_away_and_may_be_sent_again(relay: Relay, damage: str) -> None:
    bad = {
        "magic": _flip(relay.package, 0),
        "truncated": relay.package[:-1],
        "extended": relay.package + b"x",
    }[damage]
    with pytest.raises(MarketError) as caught:
        relay.put(bad)
    assert _code(caught) is ErrorCode.PACKAGE_MALFORMED
    with pytest.raises(MarketError) as caught:
        relay.upload.status(relay.trade, account=relay.seller)
    assert _code(caught) is ErrorCode.NOT_FOUND
    assert relay.put().complete


def test_the_package_of_another_trade_is_refused(relay: Relay) -> None:
    other = relay.world.market.bring_to("FUNDED", relay.world.market.list_data(data=b"other")["id"])
    with pytest.raises(MarketError) as caught:
        relay.put(seal_for(relay.world, other)[0])
    assert _code(caught) is ErrorCode.PACKAGE_WRONG_TRADE


@pytest.mark.requirement("R39")
def test_other_bytes_than_the_committed_ones_are_refused(relay: Relay) -> None:
    relay.submit("seller")
    with pytest.raises(MarketError) as caught:
        relay.put(_flip(relay.package, len(relay.package) - 1))
    assert _code(caught) is ErrorCode.PACKAGE_ROOT_MISMATCH
    with pytest.raises(MarketError) as caught:
        relay.put(relay.package + b"x")
    assert _code(caught) is ErrorCode.PACKAGE_ROOT_MISMATCH
    assert relay.put().complete
    assert relay.put().complete


def test_before_the_commitment_a_complete_package_may_be_replaced(relay: Relay) -> None:
    other, summary = seal_for(relay.world, relay.trade, DATA[::-1])
    assert relay.put(other).root == summary.root
    assert relay.put().root == relay.summary.root
    (row,) = relay.world.rows(tables.packages)
    assert row.root == relay.summary.root


def test_a_process_that_dies_before_the_end_of_an_upload_loses_nothing(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: object) -> None:
        raise SystemExit

    monkeypatch.setattr(relay.world.objects, "seal", die)
    with pytest.raises(SystemExit):
        relay.put()
    monkeypatch.undo()
    status = relay.upload.status(relay.trade, account=relay.seller)
    assert (status.received, status.complete) == (len(relay.package), False)
    assert relay.put(start=len(relay.package)).complete


@pytest.mark.parametrize("point", ["seal", "measure"])
def test_the_relay_finishes_an_upload_that_a_dead_process_left(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def die(*_args: object, **_named: object) -> None:
        raise SystemExit

    monkeypatch.setattr(relay.world.objects if point == "seal" else upload_module, point, die)
    with pytest.raises(SystemExit):
        relay.put()
    monkeypatch.undo()
    relay.submit("seller")
    assert relay.job.run_once() == 1
    assert relay.state == TradeState.SENT
    assert relay.fetch() == relay.package


def test_a_bad_upload_whose_process_died_after_the_seal_can_be_sent_anew(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: object, **_named: object) -> None:
        raise SystemExit

    monkeypatch.setattr(upload_module, "measure", die)
    with pytest.raises(SystemExit):
        relay.put(_flip(relay.package, 0))
    monkeypatch.undo()
    relay.submit("seller")
    assert relay.job.run_once() == 0
    assert relay.world.rows(tables.packages) == []
    assert relay.put().complete


def test_an_upload_that_begins_anew_has_an_object_of_its_own(relay: Relay) -> None:
    relay.put(stop=1000)
    (before,) = relay.world.rows(tables.packages)
    relay.put(stop=10)
    (after,) = relay.world.rows(tables.packages)
    assert after.object_name != before.object_name
    assert relay.world.objects.size(before.object_name) == 0
    assert relay.upload.status(relay.trade, account=relay.seller).received == 10


# Notices


@pytest.mark.requirement("A-12")
@pytest.mark.requirement("R40")
@pytest.mark.requirement("R41")
def test_a_notice_gets_a_receipt_and_its_digest_stands_on_the_ledger(relay: Relay) -> None:
    submitted = relay.submit("seller")
    receipt = parse_receipt(submitted.receipt, market=MARKET, platform=relay.world.platform.address).receipt
    assert receipt.subject == relay.trade
    record = relay.world.market.trade(relay.trade)
    assert record["state"] == "UPLOADED"
    with relay.world.database.begin() as connection:
        entry = relay.world.board.find(connection, trade=relay.trade, digest=record["notices"]["seller"])
    assert entry is not None
    notice = parse_notice(entry.token, market=MARKET, platform=relay.world.platform.address).notice
    assert notice.fingerprint_root == ROOT


@pytest.mark.requirement("A-13")
@pytest.mark.parametrize(
    ("changes", "params", "code"),
    [
        ({"claimed_at_ms": 0}, {}, ErrorCode.NOTICE_MISMATCH),
        ({"trade": "tr1" + "b" * 52}, {}, ErrorCode.NOTICE_MISMATCH),
        ({"buyer": actor("stranger").address}, {}, ErrorCode.NOTICE_MISMATCH),
        ({"listing": "dc1" + "b" * 52}, {}, ErrorCode.NOTICE_MISMATCH),
        ({}, {"notice": anything("another notice")}, ErrorCode.NOTICE_MISMATCH),
        ({"platform": actor("stranger").address}, {}, ErrorCode.WRONG_MARKET),
        ({}, {"trade": "tr1" + "b" * 52}, ErrorCode.UNKNOWN_TRADE),
    ],
)
def test_a_notice_that_does_not_fit_leaves_nothing(
    idle: Relay, changes: dict[str, Any], params: dict[str, Any], code: ErrorCode
) -> None:
    before = [idle.world.rows(table) for table in (tables.board, tables.board_head, tables.outbox)]
    with pytest.raises(MarketError) as caught:
        idle.submit("seller", params=params, **changes)
    assert _code(caught) is code
    assert [idle.world.rows(table) for table in (tables.board, tables.board_head, tables.outbox)] == before


def test_the_buyers_verdict_is_the_same_in_notice_and_intent(sent: Relay) -> None:
    with pytest.raises(MarketError) as caught:
        sent.submit("buyer", params={"verdict": "bad"})
    assert _code(caught) is ErrorCode.NOTICE_MISMATCH


def test_a_stranger_does_not_learn_that_a_trade_exists(idle: Relay) -> None:
    stranger = idle.world.market.stranger
    token, notice_digest = sign_notice(stranger.key, idle.notice("seller", seller=stranger.address), market=MARKET)
    intent = intents.sign(
        stranger.key,
        market=MARKET,
        action="trade.send",
        params={
            "trade": idle.trade,
            "notice": notice_digest,
            "package_root": idle.summary.root,
            "package_size": 10,
        },
        issued_at_ms=idle.world.clock(),
    )
    with pytest.raises(MarketError) as caught:
        idle.notices.submit(intent, sealed(token, "notice"))
    assert _code(caught) is ErrorCode.UNKNOWN_TRADE


def test_an_intent_that_carries_no_notice_is_refused(idle: Relay) -> None:
    intent = intents.sign(
        idle.world.market.buyer.key,
        market=MARKET,
        action="trade.confirm",
        params={"trade": idle.trade},
        issued_at_ms=idle.world.clock(),
    )
    with pytest.raises(MarketError) as caught:
        idle.notices.submit(intent, {})
    assert _code(caught) is ErrorCode.WRONG_ACTION


def test_a_notice_for_an_ended_trade_is_refused(relay: Relay) -> None:
    relay.world.market.act("trade.cancel", relay.trade)
    with pytest.raises(MarketError) as caught:
        relay.submit("seller")
    assert _code(caught) is ErrorCode.WRONG_STATE


@pytest.mark.parametrize("role", ["seller", "buyer"])
def test_a_notice_that_the_trade_does_not_wait_for_leaves_nothing_on_the_board(relay: Relay, role: str) -> None:
    relay.put()
    relay.submit("seller")
    before = relay.world.rows(tables.board)
    with pytest.raises(WrongStateError) as caught:
        relay.submit(role)
    assert (caught.value.state, caught.value.role) == (TradeState.UPLOADED, role)
    assert relay.world.rows(tables.board) == before


def test_a_party_does_not_fill_the_board_while_the_ledger_is_away(relay: Relay) -> None:
    relay.world.channel.away = True
    for _ in range(MOST_RECENT):
        relay.submit("seller")
    with pytest.raises(MarketError) as caught:
        relay.submit("seller")
    assert _code(caught) is ErrorCode.RATE_LIMITED
    assert len(relay.world.rows(tables.board)) == MOST_RECENT
    relay.world.wait(RECENT_MS / 1000)
    relay.submit("seller")


# Relay and release


@pytest.mark.requirement("A-13")
@pytest.mark.requirement("R39")
def test_the_relay_waits_for_package_and_notice_in_either_order(relay: Relay) -> None:
    assert relay.job.run_once() == 0
    relay.submit("seller")
    assert relay.job.run_once() == 0
    relay.put(stop=1000)
    assert relay.job.run_once() == 0
    relay.put(start=1000)
    assert relay.job.run_once() == 1
    assert relay.state == TradeState.SENT
    assert relay.job.run_once() == 0


def test_a_package_that_came_before_the_commitment_and_differs_is_not_relayed(relay: Relay) -> None:
    other, _ = seal_for(relay.world, relay.trade, DATA[::-1])
    relay.put(other)
    relay.submit("seller")
    assert relay.job.run_once() == 0
    assert relay.state == TradeState.UPLOADED
    relay.put()
    assert relay.job.run_once() == 1


def test_a_seller_who_goes_round_the_board_is_not_relayed(relay: Relay) -> None:
    relay.put()
    relay.world.market.act(
        "trade.send", relay.trade, package_root=relay.summary.root, package_size=relay.summary.size
    )
    assert relay.job.run_once() == 0
    assert relay.state == TradeState.UPLOADED


@pytest.mark.requirement("A-17")
@pytest.mark.requirement("R38")
@pytest.mark.requirement("R66")
def test_the_buyer_gets_the_package_only_after_sent_has_committed(relay: Relay) -> None:
    relay.put()
    relay.submit("seller")
    with pytest.raises(MarketError) as caught:
        relay.fetch()
    assert _code(caught) is ErrorCode.PACKAGE_NOT_RELEASED
    relay.job.run_once()
    assert relay.fetch() == relay.package
    (row,) = relay.world.rows(tables.packages)
    assert (row.state, row.released_ms) == ("RELEASED", relay.world.clock())


def test_any_range_can_be_read(sent: Relay) -> None:
    assert sent.fetch(0, 1) == sent.package[:1]
    assert sent.fetch(1000, 250_000) == sent.package[1000:250_000]
    assert sent.fetch(250_000) == sent.package[250_000:]


def test_bytes_that_are_missing_are_found_missing_before_the_first_piece(relay: Relay) -> None:
    relay.bring_to_sent()
    (row,) = relay.world.rows(tables.packages)
    relay.world.objects.delete(row.object_name)
    package = relay.release.find(relay.trade, account=relay.buyer)
    with pytest.raises(MarketError) as caught:
        relay.release.read(package)
    assert _code(caught) is ErrorCode.NOT_FOUND
    (row,) = relay.world.rows(tables.packages)
    assert (row.state, row.released_ms) == ("COMPLETE", None)


@pytest.mark.parametrize("start", [0, 1000], ids=["from the beginning", "from an offset"])
def test_a_package_that_has_lost_its_end_breaks_off_instead_of_ending(sent: Relay, start: int) -> None:
    """Its length was announced before: whoever reads would wait for the rest."""
    (path,) = (sent.world.folder / "objects/packages" / sent.trade).iterdir()
    os.truncate(path, len(sent.package) - 1)
    pieces: list[bytes] = []
    package = sent.release.find(sent.trade, account=sent.buyer)
    with pytest.raises(MarketError, match="not_found"):
        pieces.extend(sent.release.read(package, start))
    assert b"".join(pieces) == sent.package[start:-1]
    with pytest.raises(MarketError, match="not_found"):
        sent.release.read(package, len(sent.package) - 1)


def test_looking_at_a_package_is_no_release(relay: Relay) -> None:
    relay.bring_to_sent()
    assert relay.release.find(relay.trade, account=relay.buyer).size == len(relay.package)
    assert relay.world.rows(tables.packages)[0].state == "COMPLETE"


@pytest.mark.parametrize(
    ("account", "code"), [("stranger", ErrorCode.UNKNOWN_TRADE), ("seller", ErrorCode.WRONG_ACTOR)]
)
def test_nobody_but_the_buyer_fetches_theseal_for(sent: Relay, account: str, code: ErrorCode) -> None:
    with pytest.raises(MarketError) as caught:
        sent.fetch(account=actor(account).address)
    assert _code(caught) is code


@pytest.mark.requirement("R84")
@pytest.mark.requirement("R4")
@pytest.mark.requirement("R19")
def test_the_platform_holds_nothing_of_the_data_in_the_clear(relay: Relay) -> None:
    relay.bring_to_sent()
    held = b"".join(path.read_bytes() for path in relay.world.folder.rglob("*") if path.is_file())
    assert len(held) >= len(relay.package)
    assert DATA[:32] not in held
    assert DATA[-32:] not in held


# Step (22)


@pytest.mark.requirement("R46")
@pytest.mark.requirement("R47")
@pytest.mark.requirement("A-18")
@pytest.mark.parametrize(("root", "state"), [(ROOT, "MATCHED"), (anything("other"), "MISMATCHED")])
def test_the_two_notices_are_compared(relay: Relay, root: str, state: str) -> None:
    relay.bring_to_sent()
    assert relay.check.run_once() == 0
    relay.submit("buyer", fingerprint_root=root)
    assert relay.state == "RECEIVED"
    assert relay.check.run_once() == 1
    assert relay.state == state
    assert relay.check.run_once() == 0


def test_a_notice_that_is_not_on_the_board_is_not_judged(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    relay.bring_to_sent()
    relay.world.market.act("trade.ack", relay.trade)
    assert relay.check.run_once() == 0
    assert relay.state == "RECEIVED"
    assert "not on the board" in caplog.text


# Retention


@pytest.mark.requirement("A-17")
def test_a_package_is_deleted_some_days_after_the_end_of_its_trade(relay: Relay) -> None:
    world = relay.world
    job = RetentionJob(world.database, objects=world.objects, clock=world.clock, kept_days=7)
    relay.bring_to_sent()
    assert job.run_once() == 0
    world.market.act("trade.confirm", relay.trade)
    assert job.run_once() == 1
    assert job.run_once() == 0
    assert relay.fetch() == relay.package
    world.wait(7 * DAY_MS / 1000)
    assert job.run_once() == 1
    assert job.run_once() == 0
    (row,) = world.rows(tables.packages)
    assert (row.state, row.root, world.objects.size(row.object_name)) == ("DELETED", relay.summary.root, 0)
    with pytest.raises(MarketError) as caught:
        relay.fetch()
    assert _code(caught) is ErrorCode.NOT_FOUND


@pytest.mark.requirement("R18")
def test_a_legal_hold_keeps_the_package_until_it_is_released(relay: Relay) -> None:
    world = relay.world
    job = RetentionJob(world.database, objects=world.objects, clock=world.clock, kept_days=0)
    relay.bring_to_sent()
    world.market.act("trade.confirm", relay.trade)
    order = {"listing": world.market.trade(relay.trade)["listing"]}
    world.market.ask(world.market.supervisor, "listing.hold", order)
    assert job.run_once() == 0
    assert relay.fetch() == relay.package
    world.market.ask(world.market.supervisor, "listing.release", order)
    assert job.run_once() == 1
    assert [row.state for row in world.rows(tables.packages)] == ["DELETED"]


def test_a_legal_hold_that_comes_while_a_deletion_is_begun_comes_in_time_or_waits(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, clear = relay.world, relay.world.objects.clear
    job = RetentionJob(world.database, objects=world.objects, clock=world.clock, kept_days=0)
    relay.bring_to_sent()
    world.market.act("trade.confirm", relay.trade)
    (item,) = job.find()
    order = {"listing": world.market.trade(relay.trade)["listing"]}
    locked: list[bool] = []

    def clearing(prefix: str) -> None:
        with world.database.begin() as connection:
            free = select(tables.data_contracts.c.address).with_for_update(skip_locked=True)
            locked.append(not connection.execute(free).all())
        clear(prefix)

    monkeypatch.setattr(world.objects, "clear", clearing)
    assert job.handle(item)
    assert locked == [True, True]
    assert [row.state for row in world.rows(tables.packages)] == ["DELETED"]
    world.market.ask(world.market.supervisor, "listing.hold", order)
    assert not job.handle(item)


def test_a_refunded_buyer_gets_nothing_more(relay: Relay) -> None:
    world = relay.world
    relay.put()
    relay.submit("seller")
    world.market.expire()
    world.market.enforce(relay.trade)
    assert world.market.trade(relay.trade)["outcome"] == "not_relayed"
    with pytest.raises(MarketError) as caught:
        relay.fetch()
    assert _code(caught) is ErrorCode.PACKAGE_NOT_RELEASED


def test_an_intent_whose_block_is_applied_while_its_notice_is_taken_in_is_not_out_of_turn(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a party's own gateway has brought the intent to the ledger a moment before."""
    world, who = relay.world, relay.world.market.seller
    token, notice_digest = sign_notice(who.key, relay.notice("seller"), market=MARKET)
    params = {"package_root": relay.summary.root, "package_size": relay.summary.size, "notice": notice_digest}
    intent = intents.sign(
        who.key,
        market=MARKET,
        action="trade.send",
        params={"trade": relay.trade, **params},
        issued_at_ms=world.clock(),
    )

    def with_the_block_behind(read: Any) -> Any:
        def reading(*arguments: Any) -> Any:
            try:
                return read(*arguments)
            finally:
                world.channel.project()

        return reading

    projector, world.channel.projector = world.channel.projector, None
    world.market.send_token(intent, "trade.send", msp=who.msp)
    world.channel.projector = projector
    for name in ("find_done", "load_trade"):
        monkeypatch.setattr(submission, name, with_the_block_behind(getattr(submission, name)))
    assert relay.notices.submit(intent, sealed(token, "notice")).entry is None
    assert len(world.rows(tables.board)) == 1


@pytest.mark.parametrize("later_s", [0, 7 * 86_400], ids=["at once", "long after"])
def test_the_same_intent_again_has_the_same_receipt_and_transaction(relay: Relay, later_s: int) -> None:
    who = relay.world.market.seller
    token, notice_digest = sign_notice(who.key, relay.notice("seller"), market=MARKET)
    intent = intents.sign(
        who.key,
        market=MARKET,
        action="trade.send",
        params={
            "trade": relay.trade,
            "notice": notice_digest,
            "package_root": relay.summary.root,
            "package_size": relay.summary.size,
        },
        issued_at_ms=relay.world.clock(),
    )
    message = sealed(token, "notice")
    first = relay.notices.submit(intent, message)
    if later_s:
        assert relay.world.drive(first.entry).state is State.COMMITTED
        relay.world.wait(later_s)
    second = relay.notices.submit(intent, message)
    assert (first.receipt, first.entry.tx_id) == (second.receipt, second.entry.tx_id)
    assert relay.world.drive(first.entry).state is State.COMMITTED
    assert len(relay.world.rows(tables.board)) == 1
