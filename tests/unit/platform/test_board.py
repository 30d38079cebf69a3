"""The send-receive board: gapless, idempotent, provable, and honest about tampering."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from countermark.platform.board.anchoring import AnchorJob
from countermark.platform.board.checking import check_board
from countermark.platform.board.log import Board
from countermark.platform.board.verification import Anchor, Fault, Finding, verify_board
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import func, select
from countermark.protocol import merkle
from countermark.protocol.encoding import digest, undigest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.notices import Notice, SignedNotice, parse_notice, sign_notice
from countermark.protocol.receipts import parse_receipt
from tests.support.market import PLATFORM, SUPERVISOR, actor
from tests.support.platform import MARKET, World

NOW_MS = 1_800_000_000_000
WITHIN_MS = 60_000
PLATFORM_KEY = actor("platform", PLATFORM).key
TRADE, OTHER_TRADE = "tr1" + "a" * 52, "tr1" + "b" * 52


def _notice(number: int = 0, *, role: str = "seller", trade: str = TRADE) -> SignedNotice:
    who = actor(role)
    notice = Notice(
        role=role,  # type: ignore[arg-type]  # a parametrised literal
        trade=trade,
        seller=actor("seller").address,
        buyer=actor("buyer").address,
        listing="dc1" + "a" * 52,
        platform=PLATFORM_KEY.address,
        fingerprint_root=digest(b"%d" % number),
        claimed_at_ms=NOW_MS + number,
        verdict=None if role == "seller" else "match",
    )
    token, _ = sign_notice(who.key, notice, market=MARKET)
    return parse_notice(token, market=MARKET, platform=PLATFORM_KEY.address)


@dataclass
class Shop:
    """A board and the database under it."""

    database: Database
    board: Board

    def append(self, notice: SignedNotice) -> str:
        with self.database.begin() as connection:
            return self.board.append(connection, notice, received_at_ms=NOW_MS)

    def fill(self, count: int) -> list[str]:
        return [self.append(_notice(number)) for number in range(count)]

    def faults(self, *anchors: Anchor) -> list[Finding]:
        with self.database.begin() as connection:
            rows = self.board.read(connection)
            return list(verify_board(rows, anchors, market=MARKET, platform=PLATFORM_KEY.address))

    def anchor(self, size: int) -> Anchor:
        with self.database.begin() as connection:
            return Anchor(size, self.board.root_at(connection, size))


@pytest.fixture
def shop(database: Database) -> Shop:
    box = SecretBox({1: b"k" * 32}, 1)
    return Shop(database, Board(box=box, key=PLATFORM_KEY, market=MARKET, anchored_within_ms=WITHIN_MS))


def test_a_receipt_promises_an_anchor_of_the_leaf(shop: Shop) -> None:
    receipt = parse_receipt(shop.append(_notice()), market=MARKET, platform=PLATFORM_KEY.address).receipt
    with shop.database.begin() as connection:
        (stored,) = shop.board.read(connection)
    assert stored.entry is not None
    assert undigest(receipt.leaf) == stored.entry.leaf_hash() == stored.leaf_hash
    assert (receipt.kind, receipt.subject) == ("seller_notice", TRADE)
    assert (receipt.received_at_ms, receipt.anchored_by_ms) == (NOW_MS, NOW_MS + WITHIN_MS)


def test_the_same_notice_again_has_the_same_receipt_and_no_second_entry(shop: Shop) -> None:
    notice = _notice()
    assert shop.append(notice) == shop.append(notice)
    with shop.database.begin() as connection:
        assert shop.board.head(connection).size == 1


@pytest.mark.requirement("R41")
@pytest.mark.requirement("R45")
def test_both_parties_notices_of_a_trade_are_found_by_their_digests(shop: Shop) -> None:
    notices = [_notice(), _notice(role="buyer"), _notice(trade=OTHER_TRADE)]
    for notice in notices:
        shop.append(notice)
    with shop.database.begin() as connection:
        for notice in notices:
            entry = shop.board.find(connection, trade=notice.notice.trade, digest=notice.digest)
            assert entry is not None
            assert entry.token == notice.token
        assert shop.board.find(connection, trade=OTHER_TRADE, digest=notices[0].digest) is None


def test_the_sequence_has_no_gap_under_concurrency_and_rollbacks(shop: Shop) -> None:
    def append(number: int) -> None:
        with shop.database.begin() as connection:
            shop.board.append(connection, _notice(number), received_at_ms=NOW_MS)
            if number % 3 == 0:
                connection.rollback()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(30)))
    with shop.database.begin() as connection:
        stored = list(shop.board.read(connection))
        head = shop.board.head(connection)
    assert [row.seq for row in stored] == list(range(20))
    assert (head.size, head.root) == (20, merkle.root(row.leaf_hash for row in stored))
    assert shop.faults() == []


@pytest.mark.requirement("A-12")
def test_bodies_are_sealed(shop: Shop) -> None:
    notice = _notice()
    shop.append(notice)
    with shop.database.begin() as connection:
        body = bytes(connection.execute(select(tables.board.c.body)).scalar_one())
    assert notice.token.encode()[:40] not in body
    assert notice.notice.fingerprint_root.encode() not in body


@pytest.mark.parametrize("size", range(1, 9))
def test_proofs_of_every_entry_and_every_earlier_tree(shop: Shop, size: int) -> None:
    shop.fill(size)
    with shop.database.begin() as connection:
        leaves = [row.leaf_hash for row in shop.board.read(connection)]
        head = shop.board.head(connection)
        for seq, leaf in enumerate(leaves):
            proof = shop.board.inclusion_proof(connection, seq, size=size)
            merkle.verify_inclusion(leaf, seq, size, head.root, proof)
        for first in range(size + 1):
            proof = shop.board.consistency_proof(connection, first, size)
            merkle.verify_consistency(first, merkle.root(leaves[:first]), size, head.root, proof)


@pytest.mark.parametrize(("seq", "size"), [(3, 3), (-1, 3), (0, 4), (0, 0)])
def test_there_is_no_proof_of_what_is_not_there(shop: Shop, seq: int, size: int) -> None:
    shop.fill(3)
    with shop.database.begin() as connection, pytest.raises(MarketError) as caught:
        shop.board.inclusion_proof(connection, seq, size=size)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_reading_takes_a_range_in_order(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countermark.platform.board.log._BATCH", 2)
    shop.fill(7)
    with shop.database.begin() as connection:
        assert [row.seq for row in shop.board.read(connection)] == list(range(7))
        assert [row.seq for row in shop.board.read(connection, start=1, stop=4)] == [1, 2, 3]
        assert list(shop.board.read(connection, start=7)) == []


def test_proofs_are_the_same_with_and_without_stored_nodes(shop: Shop) -> None:
    shop.fill(13)
    with shop.database.begin() as connection:
        leaves = [row.leaf_hash for row in shop.board.read(connection)]
        for extended in (0, 6, 7, 13):
            shop.board.extend_tree(connection, extended)
            for size in range(14):
                assert shop.board.root_at(connection, size) == merkle.root(leaves[:size])
                for seq in range(size):
                    proof = shop.board.inclusion_proof(connection, seq, size=size)
                    assert proof == merkle.inclusion_proof(leaves[:size], seq)
                for first in range(size + 1):
                    proof = shop.board.consistency_proof(connection, first, size)
                    assert proof == merkle.consistency_proof(leaves[:size], first)
        assert connection.execute(select(func.count()).select_from(tables.board_nodes)).scalar_one() == 6 + 3 + 1


def test_a_proof_reads_few_rows_whatever_the_boards_size(shop: Shop) -> None:
    shop.fill(40)
    with shop.database.begin() as connection:
        shop.board.extend_tree(connection, 40)
        # Whoever went through the leaves would miss these.
        proof = shop.board.inclusion_proof(connection, 39, size=40)
        connection.execute(tables.board.delete().where(tables.board.c.seq < 38))
        assert shop.board.inclusion_proof(connection, 39, size=40) == proof
        assert len(proof) == 4


def _alter_node(level: int, position: int) -> Callable[[Shop], None]:
    def tamper(shop: Shop) -> None:
        nodes = tables.board_nodes
        here = (nodes.c.level == level) & (nodes.c.position == position)
        with shop.database.begin() as connection:
            connection.execute(nodes.update().where(here).values(hash=b"x" * 32))

    return tamper


def _drop_node(level: int, position: int) -> Callable[[Shop], None]:
    def tamper(shop: Shop) -> None:
        nodes = tables.board_nodes
        with shop.database.begin() as connection:
            connection.execute(nodes.delete().where(nodes.c.level == level, nodes.c.position == position))

    return tamper


# Tampering. Each case changes the table behind the platform's back; the anchors are those of the ledger.


def _change(seq: int, **values: object) -> Callable[[Shop], None]:
    def tamper(shop: Shop) -> None:
        with shop.database.begin() as connection:
            connection.execute(tables.board.update().where(tables.board.c.seq == seq).values(**values))

    return tamper


def _flip(column: str, seq: int = 2) -> Callable[[Shop], None]:
    def tamper(shop: Shop) -> None:
        board = tables.board
        with shop.database.begin() as connection:
            value = connection.execute(select(board.c[column]).where(board.c.seq == seq)).scalar_one()
            flipped = bytes([value[0] ^ 1]) + bytes(value[1:])
            connection.execute(board.update().where(board.c.seq == seq).values({column: flipped}))

    return tamper


def _delete(first: int, last: int) -> Callable[[Shop], None]:
    def tamper(shop: Shop) -> None:
        with shop.database.begin() as connection:
            connection.execute(tables.board.delete().where(tables.board.c.seq.between(first, last)))

    return tamper


def _swap(first: int, second: int) -> Callable[[Shop], None]:
    def tamper(shop: Shop) -> None:
        board = tables.board
        with shop.database.begin() as connection:
            for old, new in ((first, -1), (second, first), (-1, second)):
                connection.execute(board.update().where(board.c.seq == old).values(seq=new))

    return tamper


def _replace(seq: int) -> Callable[[Shop], None]:
    """Whoever has the database and every key of the platform writes another signed notice, consistently."""

    def tamper(shop: Shop) -> None:
        board = tables.board
        with shop.database.begin() as connection:
            kept = connection.execute(select(board).where(board.c.seq < seq).order_by(board.c.seq)).all()
            lost = connection.execute(select(func.count()).select_from(board)).scalar_one() - seq
            connection.execute(board.delete())
            connection.execute(tables.board_head.delete())
        for row in kept:
            entry = shop.board._stored(row).entry
            assert entry is not None
            shop.append(parse_notice(entry.token, market=MARKET, platform=PLATFORM_KEY.address))
        for number in range(lost):
            shop.append(_notice(100 + number))

    return tamper


@pytest.mark.requirement("A-14")
@pytest.mark.requirement("R67")
@pytest.mark.parametrize(
    ("tamper", "findings"),
    [
        (_flip("body"), [(Fault.UNREADABLE, 2, 2)]),
        (_flip("leaf_hash"), [(Fault.LEAF, 2, 2)]),
        (_change(2, kind="buyer_notice"), [(Fault.NOTICE, 2, 2), (Fault.LEAF, 2, 2), (Fault.RECEIPT, 2, 2)]),
        (_change(2, trade=OTHER_TRADE), [(Fault.NOTICE, 2, 2), (Fault.LEAF, 2, 2), (Fault.RECEIPT, 2, 2)]),
        (
            _change(2, signer=actor("buyer").address),
            [(Fault.NOTICE, 2, 2), (Fault.LEAF, 2, 2), (Fault.RECEIPT, 2, 2)],
        ),
        (_change(2, digest=digest(b"x")), [(Fault.NOTICE, 2, 2), (Fault.LEAF, 2, 2), (Fault.RECEIPT, 2, 2)]),
        (_change(2, received_at_ms=NOW_MS + 1), [(Fault.LEAF, 2, 2), (Fault.RECEIPT, 2, 2)]),
        (_change(2, anchored_by_ms=NOW_MS + 1), [(Fault.RECEIPT, 2, 2)]),
        (_change(2, receipt="x"), [(Fault.RECEIPT, 2, 2)]),
        (_delete(2, 2), [(Fault.MISSING, 2, 2)]),
        (_delete(0, 1), [(Fault.MISSING, 0, 1)]),
        (_delete(4, 7), [(Fault.TRUNCATED, 4, 5)]),
        (_delete(0, 7), [(Fault.TRUNCATED, 0, 5)]),
        (
            _swap(2, 3),
            [(fault, seq, seq) for seq in (2, 3) for fault in (Fault.UNREADABLE, Fault.RECEIPT)],
        ),
        (_replace(4), [(Fault.ANCHOR, 3, 5)]),
        (_replace(0), [(Fault.ANCHOR, 0, 2)]),
        (lambda shop: None, []),
    ],
)
def test_tampering_is_found_and_located(
    shop: Shop, tamper: Callable[[Shop], None], findings: list[tuple[Fault, int, int]]
) -> None:
    shop.fill(8)
    anchors = (shop.anchor(3), shop.anchor(6))
    tamper(shop)
    found = shop.faults(*anchors)
    expected = [Finding(*finding) for finding in findings]
    # Beside the entry itself, the interval between two anchors may be named where its hash is now another.
    assert [finding for finding in found if finding.fault is not Fault.ANCHOR or finding in expected] == expected


def test_a_receipt_moved_to_another_entry_is_found(shop: Shop) -> None:
    receipts = shop.fill(2)
    _change(0, receipt=receipts[1])(shop)
    assert shop.faults() == [Finding(Fault.RECEIPT, 0, 0)]


def test_a_notice_signed_by_another_key_is_found(shop: Shop) -> None:
    """The platform itself makes up a notice: the party's signature is missing."""
    forged = replace(_notice(), token=_notice(role="buyer").token)
    shop.append(forged)
    assert shop.faults() == [Finding(Fault.NOTICE, 0, 0)]


@pytest.mark.requirement("A-14")
def test_a_rewritten_board_is_reported_once_and_located_between_two_anchors(shop: Shop) -> None:
    shop.fill(8)
    anchors = [shop.anchor(size) for size in (2, 4, 6, 8)]
    _replace(5)(shop)
    assert shop.faults(*anchors) == [Finding(Fault.ANCHOR, 4, 5)]


@pytest.mark.requirement("R67")
@pytest.mark.parametrize(
    ("tamper", "findings"),
    [
        # Where it is, and in what stands directly over it.
        (_alter_node(1, 1), [(Fault.NODE, 2, 3), (Fault.NODE, 0, 3)]),
        (_alter_node(3, 0), [(Fault.NODE, 0, 7)]),
        (_drop_node(1, 1), [(Fault.NODE, 2, 3)]),
        (_flip("leaf_hash"), [(Fault.LEAF, 2, 2), (Fault.NODE, 2, 3)]),
        (_delete(6, 8), [(Fault.TRUNCATED, 6, 7), (Fault.NODE, 6, 7)]),
        (_delete(3, 3), [(Fault.MISSING, 3, 3)]),
        (lambda shop: None, []),
    ],
)
def test_stored_nodes_that_are_not_the_entries_are_found_and_located(
    shop: Shop, tamper: Callable[[Shop], None], findings: list[tuple[Fault, int, int]]
) -> None:
    shop.fill(9)
    with shop.database.begin() as connection:
        shop.board.extend_tree(connection, 9)
    anchors = [shop.anchor(8)]
    tamper(shop)
    with shop.database.begin() as connection:
        report = check_board(connection, shop.board, market=MARKET, platform=PLATFORM_KEY.address, anchors=anchors)
    assert list(report.findings) == [Finding(*finding) for finding in findings]


# Anchoring


@pytest.fixture
def world(database: Database, tmp_path: Any) -> Iterator[World]:
    return World(database, tmp_path)


def _fill(world: World, start: int, stop: int) -> None:
    with world.database.begin() as connection:
        for number in range(start, stop):
            world.board.append(connection, _notice(number), received_at_ms=NOW_MS)


@pytest.mark.requirement("A-14")
def test_the_board_is_anchored_on_the_ledger_each_time_it_grows(world: World) -> None:
    job = AnchorJob(world.acting, world.board)
    assert job.run_once() == 0
    for start, stop in ((0, 3), (3, 4), (4, 9)):
        _fill(world, start, stop)
        assert job.run_once() == 1
        world.finish()
        assert job.run_once() == 0
    shown = world.market.backend.evaluate(SUPERVISOR, "board.show")
    with world.database.begin() as connection:
        head = world.board.head(connection)
        report = check_board(connection, world.board, market=MARKET, platform=PLATFORM_KEY.address)
    assert (shown["size"], undigest(shown["root"])) == (head.size, head.root)
    assert report.holds
    # What makes proofs quick has been stored on the way: the nodes over 9 leaves.
    assert len(world.rows(tables.board_nodes)) == 4 + 2 + 1
    anchors = [Anchor(row.size, undigest(row.root)) for row in world.rows(tables.anchors)]
    assert [anchor.size for anchor in anchors] == [3, 4, 9]
    with world.database.begin() as connection:
        rows = world.board.read(connection)
        assert list(verify_board(rows, anchors, market=MARKET, platform=PLATFORM_KEY.address)) == []


def test_two_workers_do_not_anchor_the_same_growth_twice(world: World) -> None:
    _fill(world, 0, 3)
    with ThreadPoolExecutor(2) as pool:
        jobs = [AnchorJob(world.acting, world.board) for _ in range(2)]
        assert sum(pool.map(lambda job: job.run_once(), jobs)) == 1


def test_no_second_anchor_is_asked_for_while_the_first_is_under_way(world: World) -> None:
    job = AnchorJob(world.acting, world.board)
    projector, world.channel.projector = world.channel.projector, None
    _fill(world, 0, 3)
    job.run_once()
    _fill(world, 3, 5)
    assert job.run_once() == 0
    world.finish()
    assert job.run_once() == 0
    world.channel.projector = projector
    world.channel.project()
    assert job.run_once() == 1
    assert [row.size for row in world.rows(tables.anchors)] == [3, 5]


def test_a_board_that_lost_entries_cannot_be_anchored_over_them(world: World) -> None:
    job = AnchorJob(world.acting, world.board)
    _fill(world, 0, 3)
    job.run_once()
    world.finish()
    with world.database.begin() as connection:
        connection.execute(tables.board.delete())
        connection.execute(tables.board_head.delete())
    _fill(world, 100, 105)
    job.run_once()
    assert world.market.backend.evaluate(SUPERVISOR, "board.show")["size"] == 3
    (refused,) = [row for row in world.rows(tables.outbox) if row.state == "REFUSED"]
    assert refused.error_code == ErrorCode.PROOF_INVALID


def test_a_head_that_cannot_be_read_claims_its_size_and_no_root(world: World) -> None:
    _fill(world, 0, 3)
    with world.database.begin() as connection:
        connection.execute(tables.board_head.update().values(frontier=b"no state of a tree"))
        claimed = world.board.claimed_head(connection)
    assert (claimed.size, claimed.root) == (3, b"")


def test_an_unreachable_ledger_is_asked_again_later(world: World) -> None:
    job = AnchorJob(world.acting, world.board)
    _fill(world, 0, 3)
    world.channel.away = True
    job.run_once()
    assert job.run_once() == 0
    world.channel.away = False
    with world.database.begin() as connection:
        connection.execute(tables.outbox.update().values(lease_until_ms=0))
    world.submitter.run_once()
    assert [row.size for row in world.rows(tables.anchors)] == [3]
