"""A market whose platform keeps a board, honestly unless a test says otherwise, and what its ledger says of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

from countermark.audit.board import BoardLedger, Judgement, Sought, judge, read_bundle, sought
from countermark.audit.board.ledger import Anchor, Naming, Term
from countermark.audit.bundles import Subject
from countermark.network.blocks import Block, parse_block
from countermark.protocol import canonical, merkle, times
from countermark.protocol.board_proofs import BoardProof, Inclusion, Tree
from countermark.protocol.encoding import as_digest, digest, undigest
from countermark.protocol.entries import Entry
from countermark.protocol.market import parse as parse_config
from countermark.protocol.notices import Notice, SignedNotice, parse_notice, sign_notice
from countermark.protocol.receipts import sign_receipt
from tests.support.bundled import bundled, roots_of
from tests.support.market import EPOCH_S, TRADER, Actor, Market
from tests.support.signed_ledger import SignedLedger
from tests.unit.network.consortium import Network

WITHIN_MS = 60_000
"""How soon receipts promise an anchor."""


class KeptBoard:
    """The board of a market's platform, and what parties and platform do with it."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.name = market.backend.market
        self.entries: list[Entry] = []
        self._anchored = 0

    def notice(
        self, trade: str, role: str = "seller", *, root: bytes = b"fingerprint", by: Actor | None = None
    ) -> SignedNotice:
        """Return a notice that the party of that role signs, or somebody in his place."""
        market, record = self.market, self.market.trade(trade)
        who = by or (market.seller if role == "seller" else market.buyer)
        record = {**record, role: who.address}
        notice = Notice(
            role=role,  # type: ignore[arg-type]  # one of its literals
            trade=trade,
            seller=record["seller"],
            buyer=record["buyer"],
            listing=record["listing"],
            platform=market.platform.address,
            fingerprint_root=digest(root),
            claimed_at_ms=self.market.backend.now_ms,
            verdict=None if role == "seller" else "match",
        )
        token, _ = sign_notice(who.key, notice, market=self.name)
        return parse_notice(token, market=self.name, platform=market.platform.address)

    def take(self, notice: SignedNotice) -> BoardProof:
        """Put a notice on the board, and return what its party has of that: the receipt and its own notice."""
        entry = Entry.of(notice, seq=len(self.entries), received_at_ms=self.market.backend.now_ms)
        self.entries.append(entry)
        return self.receipt(entry)

    def receipt(self, entry: Entry) -> BoardProof:
        """Return what the party has to whom the platform gives a receipt for ``entry``, on the board or not."""
        promised = entry.receipt(anchored_by_ms=entry.received_at_ms + WITHIN_MS)
        token = sign_receipt(self.market.platform.key, promised, market=self.name)
        return BoardProof(self.name, token, entry)

    def anchor(self) -> int:
        """Anchor the board as it is now, and return its size."""
        leaves, size = self.leaves, len(self.entries)
        proof = merkle.consistency_proof(leaves, self._anchored) if self._anchored else []
        params = {
            "size": size,
            "root": as_digest(merkle.root(leaves)),
            "proof": [as_digest(step) for step in proof],
        }
        self.market.ask(self.market.platform, "board.anchor", params)
        self._anchored = size
        return size

    def tick(self, seconds: float = EPOCH_S) -> None:
        """Let time pass, and be seen to have passed on the ledger."""
        self.market.backend.wait(seconds)
        self.market.backend.submit(TRADER, "clock.tick")

    @property
    def leaves(self) -> list[bytes]:
        return [entry.leaf_hash() for entry in self.entries]

    def path(self, seq: int, size: int | None = None) -> Inclusion:
        """Return what the platform shows of an entry: its path in the tree of so many of its entries."""
        leaves = self.leaves[: len(self.entries) if size is None else size]
        tree = Tree(len(leaves), merkle.root(leaves))
        return Inclusion(seq, leaves[seq], tree, tuple(merkle.inclusion_proof(leaves, seq)))

    def proven(self, proof: BoardProof, size: int | None = None) -> BoardProof:
        """Return ``proof`` with the path that the platform shows of its entry."""
        assert proof.entry is not None
        return replace(proof, inclusion=self.path(proof.entry.seq, size))


class SignedBoard(KeptBoard):
    """A board whose market has a ledger of blocks that a consortium has signed."""

    def __init__(self, network: Network) -> None:
        self.blocks: list[Block] = []
        self.ledger = SignedLedger(network, lambda data: self.blocks.append(parse_block(data)))
        super().__init__(Market(self.ledger))

    def bundle(self, blocks: Sequence[Block] | None = None) -> bytes:
        blocks = self.blocks if blocks is None else blocks
        return bundled(blocks, Subject("blocks", first=0, last=len(blocks) - 1))

    def read(self, wanted: Sought) -> BoardLedger:
        """Return what the blocks say, after all of them were verified by the roots."""
        return read_bundle(BytesIO(self.bundle()), wanted, roots=roots_of(self.blocks[0]))[0]

    def judge(self, *proofs: BoardProof, answers: Sequence[Inclusion] = ()) -> list[Judgement]:
        """Return what the documents show against all blocks."""
        ledger = self.read(sought(proofs, answers))
        return [judge(proof, ledger, answers) for proof in proofs]


def told_by(market: str, states: Iterable[tuple[int, int, Mapping[str, bytes]]], wanted: Sought) -> BoardLedger:
    """Return what a ledger in memory says, of whose blocks nothing is verified.

    Each of ``states`` is a transaction: number of its block, its time in ms, what it writes.
    """
    anchors: dict[int, Anchor] = {}
    terms: list[Term] = []
    parties: dict[str, Mapping[str, str]] = {}
    named: dict[str, Naming] = {}
    now_ms = 0
    for block, time_ms, writes in states:
        now_ms = max(now_ms, time_ms)
        for key, value in writes.items():
            if key.startswith("board/anchor/"):
                record = canonical.loads(value)
                tree = Tree(record["size"], undigest(record["root"]))
                anchors[tree.size] = Anchor(tree, times.from_text(record["at"]), record["tx"], block)
            elif key.startswith("market/version/"):
                config = _config(value)
                terms.append(Term(config["platform"]["account"], time_ms, config["guard"] * 1000))
            elif key.startswith("trade/"):
                record = canonical.loads(value)
                parties[record["id"]] = {"seller": record["seller"], "buyer": record["buyer"]}
    sizes = sorted(anchors)
    first = {
        number: anchors[size]
        for number in wanted.numbers
        if (size := next((one for one in sizes if one > number), 0))
    }
    return BoardLedger(
        market=market,
        now_ms=now_ms,
        terms=tuple(terms),
        first=first,
        anchored={size: anchors[size] for size in wanted.sizes & set(sizes)},
        last_size=max(sizes, default=0),
        parties=parties,
        named=named,
    )


def _config(value: bytes) -> dict[str, Any]:
    record: dict[str, Any] = canonical.loads(value)
    parse_config({name: member for name, member in record.items() if name != "market"})
    return record
