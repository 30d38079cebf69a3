"""The platform, or whoever holds its database and its keys, does to the board what he likes.

What stops or exposes him: the receipts that parties hold, the anchors on the ledger, and the acts there that name
notices. Each document is judged by the ledger alone; the tables are reconciled by whoever is let at them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from countermark.audit.board import BoardLedger, Judgement, Reason, Verdict, find_twice, judge, sought
from countermark.audit.errors import AuditError
from countermark.client import account, deliveries, listings, proofs, purchases
from countermark.client.errors import ClientError
from countermark.platform.board.anchoring import AnchorJob
from countermark.platform.board.log import Board
from countermark.platform.reconciling import Discrepancy, Reconciliation
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import delete, select
from countermark.protocol.board_proofs import BoardProof, Growth, Inclusion, Tree
from countermark.protocol.encoding import as_digest, digest
from countermark.protocol.entries import Entry
from countermark.protocol.errors import ErrorCode
from countermark.protocol.merkle import Frontier
from countermark.protocol.notices import Notice, SignedNotice, parse_notice, sign_notice
from countermark.protocol.receipts import parse_receipt, sign_receipt
from tests.support.boards import told_by
from tests.support.front import Chain, Front
from tests.support.market import GUARD_S, SUPERVISOR, TRADER, refused
from tests.support.platform import MARKET, World

WITHIN_MS = 60_000


@dataclass
class Insider:
    """The platform of a market with two trades, and what he can do to its board."""

    world: World
    held: dict[str, BoardProof] = field(default_factory=dict)
    """What the parties hold, by the trade and the party's role: the receipt and their own notice."""

    @property
    def board(self) -> Board:
        return self.world.board

    def notice(self, trade: str, role: str, *, blind: bytes = b"b" * 32) -> SignedNotice:
        market, record = self.world.market, self.world.market.trade(trade)
        who = market.seller if role == "seller" else market.buyer
        notice = Notice(
            role=role,  # type: ignore[arg-type]  # one of its literals
            trade=trade,
            seller=record["seller"],
            buyer=record["buyer"],
            listing=record["listing"],
            platform=self.world.platform.address,
            fingerprint_root=digest(b"fingerprint"),
            claimed_at_ms=self.world.clock(),
            verdict=None if role == "seller" else "match",
            blind=blind,
        )
        token, _ = sign_notice(who.key, notice, market=MARKET)
        return parse_notice(token, market=MARKET, platform=self.world.platform.address)

    def send(self, trade: str) -> BoardProof:
        """Take the seller's notice, give him his receipt, and bring his act to the ledger."""
        return self._take(trade, "seller", "trade.send", "trade.relay")

    def receive(self, trade: str) -> BoardProof:
        """The same of the buyer's."""
        return self._take(trade, "buyer", "trade.ack")

    def _take(self, trade: str, role: str, act: str, *then: str) -> BoardProof:
        notice = self.notice(trade, role)
        with self.world.database.begin() as connection:
            token = self.board.append(connection, notice, received_at_ms=self.world.clock())
        self.world.market.act(act, trade, notice=notice.digest)
        for function in then:
            self.world.market.act(function, trade)
        receipt = parse_receipt(token, market=MARKET, platform=self.world.platform.address).receipt
        assert receipt.seq is not None
        entry = Entry.of(notice, seq=receipt.seq, received_at_ms=receipt.received_at_ms)
        self.held[f"{trade} {role}"] = BoardProof(MARKET, token, entry)
        return self.held[f"{trade} {role}"]

    def entries(self) -> list[Entry]:
        with self.world.database.begin() as connection:
            return [row.entry for row in self.board.read(connection) if row.entry is not None]

    def put(self, entries: Sequence[Entry]) -> None:
        """Make the board one of these entries, as if it had never been another: numbers, leaves, receipts, head."""
        key, box = self.world.platform.key, self.world.box
        edge = Frontier()
        with self.world.database.begin() as connection:
            for table in (tables.board, tables.board_head, tables.board_nodes):
                connection.execute(delete(table))
            for seq, one in enumerate(entries):
                entry = replace(one, seq=seq)
                promised = entry.receipt(anchored_by_ms=entry.received_at_ms + WITHIN_MS)
                edge.append(entry.leaf_hash())
                row: dict[str, Any] = {
                    "seq": seq,
                    "kind": entry.kind,
                    "trade": entry.trade,
                    "signer": entry.signer,
                    "digest": entry.digest,
                    "leaf_hash": entry.leaf_hash(),
                    "body": box.seal(entry.token.encode(), context=f"board/{seq}"),
                    "received_at_ms": entry.received_at_ms,
                    "anchored_by_ms": promised.anchored_by_ms,
                    "receipt": sign_receipt(key, promised, market=MARKET),
                }
                connection.execute(tables.board.insert().values(row))
            head = {"id": 1, "size": edge.size, "frontier": edge.to_bytes()}
            connection.execute(tables.board_head.insert().values(head))

    def anchor(self) -> int:
        """Anchor the board as it is, and return the size that stands on the ledger then."""
        AnchorJob(self.world.acting, self.board).run_once()
        self.world.finish()
        return int(self.world.market.backend.evaluate(SUPERVISOR, "board.show")["size"])

    def pass_time(self, ms: int = WITHIN_MS + GUARD_S * 1000) -> None:
        """Let time pass, and be seen to have passed on the ledger."""
        self.world.wait(ms / 1000)
        self.world.market.backend.submit(TRADER, "clock.tick")

    def path(self, seq: int) -> Inclusion:
        """Return what his gateway shows of an entry."""
        with self.world.database.begin() as connection:
            leaf = bytes(
                connection.execute(select(tables.board.c.leaf_hash).where(tables.board.c.seq == seq)).scalar_one()
            )
            size = self.board.head(connection).size
            tree = Tree(size, self.board.root_at(connection, size))
            return Inclusion(seq, leaf, tree, tuple(self.board.inclusion_proof(connection, seq, size=size)))

    # Those who are not let at his machine

    def ledger(self, *proofs: BoardProof, answers: Sequence[Inclusion] = ()) -> BoardLedger:
        states = [
            (block.number, one.timestamp_ms, {write.key: write.value for write in one.writes if not write.is_delete})
            for block in self.world.channel.blocks_made
            for one in block.transactions
            if one.valid
        ]
        return told_by(MARKET, states, sought(proofs, answers))

    def judged(self, proof: BoardProof, *, answers: Sequence[Inclusion] = ()) -> Judgement:
        return judge(proof, self.ledger(proof, answers=answers), answers)

    # Those who are

    def reconciled(self) -> list[Discrepancy]:
        """Return what of the board and its trades is not as the ledger says."""
        source, world = Chain(self.world.channel), self.world
        reconciliation = Reconciliation(
            database=world.database,
            source=source,
            height=source.height,
            ledger=source,
            board=self.board,
            box=world.box,
            keys=world.keys,
            market=MARKET,
            platform=world.platform.address,
        )
        # These contracts were registered without the gate, which would have filled their private columns.
        return [one for one in reconciliation.run() if one.table not in ("data_contracts", "item_fingerprints")]


class OfferedDeal:
    """A trade through the gateway in which the seller may send, by his own client."""

    def __init__(self, front: Front) -> None:
        self.seller, self.buyer = front.trader("seller"), front.trader("buyer")
        for who in (self.seller, self.buyer):
            account.fund(who.market, "50000", f"deposit-{who.address[-6:]}")
        terms, words = listings.Terms(100, {}), listings.Words("Data")
        made = listings.create(self.seller.market, self.seller.vault, front.photograph, terms, words)
        listing = str(made.result["id"])
        listings.charge(self.seller.market, listing)
        front.work()
        self.trade = str(purchases.buy(self.buyer.market, self.buyer.vault, listing).result["id"])
        deliveries.charge(self.seller.market, self.seller.trade(self.trade))

    def send(self) -> None:
        who = self.seller
        deliveries.send(who.market, who.keys, who.vault, who.trade(self.trade), who.folder / "packages")


@pytest.fixture
def insider(database: Database, tmp_path: Path) -> Insider:
    world = World(database, tmp_path)
    world.wait(7_200)  # of a market that has been there for a while
    return Insider(world)


@pytest.fixture
def trades(insider: Insider) -> list[str]:
    """Two trades whose sellers may send."""
    market = insider.world.market
    return [market.bring_to("FUNDED", market.list_data(data=data)["id"]) for data in (b"one", b"other")]


def told(found: list[Discrepancy]) -> list[tuple[str, str]]:
    return [(one.table, one.what) for one in found]


def test_an_honest_platform_is_exposed_of_nothing(insider: Insider, trades: list[str]) -> None:
    for trade in trades:
        insider.send(trade)
        insider.anchor()
        insider.receive(trade)
    insider.anchor()
    insider.pass_time()
    for proof in insider.held.values():
        assert proof.entry is not None
        assert insider.judged(replace(proof, inclusion=insider.path(proof.entry.seq))).verdict is Verdict.PROVEN
        assert insider.judged(proof).verdict is Verdict.OPEN
    assert insider.reconciled() == []


# A row is rewritten


@pytest.mark.requirement("R67")
def test_platform_rewrites_a_board_row(insider: Insider, trades: list[str]) -> None:
    """Before its anchor, and as if there had never been another: the receipt says what the buyer had handed in."""
    insider.send(trades[0])
    proof = insider.receive(trades[0])
    others = insider.notice(trades[0], "buyer", blind=b"c" * 32)
    entries = insider.entries()
    insider.put([entries[0], Entry.of(others, seq=1, received_at_ms=entries[1].received_at_ms)])
    assert insider.anchor() == 2
    judged = insider.judged(proof, answers=[insider.path(1)])
    assert (judged.verdict, judged.reason) == (Verdict.AT_FAULT, Reason.REWRITTEN)
    # Without an answer the receipt decides nothing yet: he owes the path, and has none.
    assert insider.judged(proof).reason is Reason.UNANSWERED


@pytest.mark.requirement("R67")
def test_row_rewritten_after_its_anchor_leaves_the_proof_as_good_as_before(
    insider: Insider, trades: list[str]
) -> None:
    proof = insider.send(trades[0])
    insider.anchor()
    kept = replace(proof, inclusion=insider.path(0))
    entries = insider.entries()
    insider.put([replace(entries[0], received_at_ms=entries[0].received_at_ms + 1)])
    insider.receive(trades[0])
    # No tree without that entry is ever anchored again.
    assert insider.anchor() == 1
    (outcome,) = [row for row in insider.world.rows(tables.outbox) if row.state == "REFUSED"]
    assert outcome.error_code == ErrorCode.PROOF_INVALID
    assert insider.judged(kept).verdict is Verdict.PROVEN
    assert ("board", "anchor") in told(insider.reconciled())


# A row is deleted


@pytest.mark.requirement("R67")
def test_platform_deletes_a_board_row(insider: Insider, trades: list[str]) -> None:
    """Before its anchor: its receipt stays without one."""
    insider.send(trades[0])
    insider.anchor()
    proof = insider.receive(trades[0])
    insider.put(insider.entries()[:-1])
    insider.anchor()
    assert insider.judged(proof).reason is Reason.NOT_DUE
    insider.pass_time()
    judged = insider.judged(proof)
    assert (judged.verdict, judged.reason) == (Verdict.AT_FAULT, Reason.UNANCHORED)
    # On the board there is no trace of it; but the ledger has the act that names the notice.
    insider.pass_time(900_000)
    assert proof.entry is not None
    (missing,) = insider.reconciled()
    assert (missing.table, missing.what) == ("board", "missing")
    assert missing.key == {"trade": trades[0], "signer": proof.entry.signer}
    assert missing.said[0].ledger == proof.entry.digest


@pytest.mark.requirement("R67")
def test_row_deleted_after_its_anchor_is_missed_and_proven_all_the_same(insider: Insider, trades: list[str]) -> None:
    proofs = [insider.send(trade) for trade in trades]
    insider.anchor()
    kept = replace(proofs[0], inclusion=insider.path(0))
    with insider.world.database.begin() as connection:
        connection.execute(delete(tables.board).where(tables.board.c.seq == 0))
    assert insider.judged(kept).verdict is Verdict.PROVEN
    assert ("board", "missing") in told(insider.reconciled())


# A row is backdated


@pytest.mark.requirement("R67")
def test_platform_backdates_a_board_row(insider: Insider, trades: list[str]) -> None:
    """A seller who came too late is to have been in time."""
    proof = insider.send(trades[0])
    (entry,) = insider.entries()
    insider.put([replace(entry, received_at_ms=entry.received_at_ms - 3_600_000)])
    insider.anchor()
    judged = insider.judged(proof, answers=[insider.path(0)])
    assert (judged.verdict, judged.reason) == (Verdict.AT_FAULT, Reason.REWRITTEN)
    # With a receipt to match, the anchor comes an hour after the time that it names itself.
    backdated = sign_receipt(
        insider.world.platform.key,
        insider.entries()[0].receipt(anchored_by_ms=insider.entries()[0].received_at_ms + WITHIN_MS),
        market=MARKET,
    )
    forged = BoardProof(MARKET, backdated, insider.entries()[0], insider.path(0))
    assert insider.judged(forged).reason is Reason.LATE
    # Two receipts for what is one entry: there is no room for both under its number.
    pair = [insider.judged(one) for one in (proof, forged)]
    assert [one.seq for one in find_twice(pair)] == [0]


# One is dropped between anchors


@pytest.mark.requirement("R67")
def test_platform_drops_a_board_entry_between_anchors(insider: Insider, trades: list[str]) -> None:
    """It is exposed by who takes its number, by who came after it, and by the act that names its notice."""
    insider.send(trades[0])
    insider.anchor()
    dropped, next_one = insider.receive(trades[0]), insider.send(trades[1])
    entries = insider.entries()
    insider.put([entries[0], entries[2]])
    assert insider.anchor() == 2
    judged = insider.judged(dropped, answers=[insider.path(1)])
    assert (judged.verdict, judged.reason) == (Verdict.AT_FAULT, Reason.REWRITTEN)
    # And whoever came after it was promised a number that no tree reaches.
    insider.pass_time()
    assert insider.judged(next_one).reason is Reason.UNANCHORED
    insider.pass_time(900_000)
    assert dropped.entry is not None
    assert [one.key for one in insider.reconciled() if one.what == "missing"] == [
        {"trade": trades[0], "signer": dropped.entry.signer}
    ]


@pytest.mark.requirement("R67")
def test_anchored_entry_is_not_dropped_by_a_later_anchor(insider: Insider, trades: list[str]) -> None:
    insider.send(trades[0])
    insider.receive(trades[0])
    insider.anchor()
    entries = insider.entries()
    insider.put([entries[1]])
    insider.send(trades[1])
    insider.receive(trades[1])
    assert insider.anchor() == 2
    params = {"size": 3, "root": as_digest(b"r" * 32), "proof": [as_digest(b"p" * 32)]}
    with refused(ErrorCode.PROOF_INVALID):
        insider.world.market.ask(insider.world.market.platform, "board.anchor", params)


# A notice is forged


@pytest.mark.requirement("R67")
def test_forged_notice_is_nobodys(insider: Insider, trades: list[str]) -> None:
    """He writes himself that the buyer has received a match: with his own key, or under the buyer's name."""
    insider.send(trades[0])
    entry = insider.entries()[0]
    forged = replace(entry, kind="buyer_notice", signer=insider.world.market.buyer.address, seq=1)
    insider.put([entry, forged])
    insider.anchor()
    shown = BoardProof(
        MARKET,
        sign_receipt(
            insider.world.platform.key,
            forged.receipt(anchored_by_ms=forged.received_at_ms + WITHIN_MS),
            market=MARKET,
        ),
        forged,
        insider.path(1),
    )
    with pytest.raises(AuditError, match="malformed_proof"):
        insider.judged(shown)
    assert ("board", "notice") in told(insider.reconciled())
    assert insider.world.market.trade(trades[0])["notices"]["buyer"] == "", "no act of the buyer's names it"


@pytest.mark.requirement("R67")
def test_notice_of_an_accomplice_is_not_a_partys(insider: Insider, trades: list[str]) -> None:
    insider.send(trades[0])
    notice = insider.notice(trades[0], "buyer")
    made = replace(notice.notice, buyer=insider.world.market.stranger.address)
    token, _ = sign_notice(insider.world.market.stranger.key, made, market=MARKET)
    signed = parse_notice(token, market=MARKET, platform=insider.world.platform.address)
    entry = Entry.of(signed, seq=1, received_at_ms=insider.world.clock())
    insider.put([insider.entries()[0], entry])
    insider.anchor()
    promised = entry.receipt(anchored_by_ms=entry.received_at_ms + WITHIN_MS)
    receipt = sign_receipt(insider.world.platform.key, promised, market=MARKET)
    with pytest.raises(AuditError, match="other_parties"):
        insider.judged(BoardProof(MARKET, receipt, entry, insider.path(1)))


# Something is withheld


@pytest.mark.requirement("R67")
def test_withheld_acknowledgement_comes_in_by_another_gateway(insider: Insider, trades: list[str]) -> None:
    """The platform takes the buyer's notice, gives no receipt and brings nothing to the ledger."""
    insider.send(trades[0])
    market = insider.world.market
    notice = insider.notice(trades[0], "buyer")
    params = {"trade": trades[0], "verdict": "match", "notice": notice.digest}
    token = market.sign(market.buyer, "trade.ack", params)
    market.send_token(token, "trade.ack", msp=TRADER)
    record = market.trade(trades[0])
    assert (record["state"], record["notices"]["buyer"]) == ("RECEIVED", notice.digest)
    # Nor can he decide the trade by comparing nothing: at the deadline the buyer's word counts.
    market.expire()
    market.enforce(trades[0])
    assert market.trade(trades[0])["state"] == "MATCHED"
    # Whoever looks at his tables sees that the act has no notice on the board.
    insider.pass_time(900_000)
    assert ("board", "missing") in told(insider.reconciled())


@pytest.mark.requirement("R67")
def test_withheld_anchor_proves_the_fault_and_withheld_proof_leaves_it_to_the_platform(
    insider: Insider, trades: list[str]
) -> None:
    proof = insider.send(trades[0])
    insider.pass_time()
    assert insider.judged(proof).reason is Reason.UNANCHORED
    insider.anchor()
    # What comes late stays late, however he proves it.
    assert insider.judged(replace(proof, inclusion=insider.path(0))).reason is Reason.LATE
    second = insider.send(trades[1])
    insider.anchor()
    assert (insider.judged(second).verdict, insider.judged(second).reason) == (Verdict.OPEN, Reason.UNANSWERED)


@pytest.mark.requirement("R67")
def test_platform_withholds_a_receipt(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the seller's notice and his act, and answers as if that were all: he sends the same again."""
    front = Front(database, tmp_path)
    try:
        deal = OfferedDeal(front)
        http, vault = deal.seller.http, deal.seller.vault
        post = http.post
        with monkeypatch.context() as withholding:
            withholding.setattr(http, "post", lambda *asked, **how: {**post(*asked, **how), "receipt": None})
            with pytest.raises(ClientError, match="outcome_unknown"):
                deal.send()
        assert vault.names("receipts") == []
        # His act stands on the ledger with the digest of his notice, of which he has kept every byte.
        record = front.world.market.trade(deal.trade)
        assert record["state"] == "UPLOADED"
        deal.send()
        (name,) = vault.names("receipts")
        shown = proofs.recall(vault, name)
        (row,) = front.world.rows(tables.board)
        assert shown.proof.entry is not None
        assert shown.proof.entry.digest == row.digest == record["notices"]["seller"]
    finally:
        front.close()


# Two views


@pytest.mark.requirement("R67")
def test_platform_serves_one_view_to_one_party_and_another_to_the_next(insider: Insider, trades: list[str]) -> None:
    """The seller is shown a board with his entry, the buyer one with another in its place."""
    proof = insider.send(trades[0])
    other = insider.receive(trades[0])
    to_seller = replace(proof, inclusion=insider.path(0))
    entries = insider.entries()
    insider.put([Entry.of(insider.notice(trades[0], "seller", blind=b"c" * 32), seq=0, received_at_ms=1), entries[1]])
    to_buyer = replace(other, inclusion=insider.path(1))
    assert insider.anchor() == 2
    # One of the two was anchored, and the other can be by no later tree.
    assert insider.judged(to_buyer).verdict is Verdict.PROVEN
    judged = insider.judged(to_seller)
    assert judged.reason is Reason.UNANSWERED
    assert "another tree of 2 entries than the anchored one" in judged.detail
    assert insider.judged(to_seller, answers=[insider.path(0)]).reason is Reason.REWRITTEN
    # Nor do both grow to one later tree, for whoever compares them without a ledger.
    insider.send(trades[1])
    with insider.world.database.begin() as connection:
        later = insider.board.head(connection)
        path = tuple(insider.board.consistency_proof(connection, 2, later.size))
    growth = Growth(Tree(later.size, later.root), path)
    assert to_buyer.inclusion is not None
    assert to_seller.inclusion is not None
    growth.check(to_buyer.inclusion.tree)
    with refused(ErrorCode.PROOF_INVALID):
        growth.check(to_seller.inclusion.tree)
