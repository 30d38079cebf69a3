"""Recompute the board and say where it was tampered with (reliability.md, "tampering").

Three witnesses, each of which somebody who holds the database cannot forge alone: the notices' own signatures, the
platform's receipts, and the anchors on the ledger. The first two name the altered entry; an anchor that does not fit
says between which two anchors the board was rewritten.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from countermark.platform.board.log import Head, Stored
from countermark.protocol.encoding import as_digest
from countermark.protocol.entries import KINDS, Entry
from countermark.protocol.errors import MarketError
from countermark.protocol.merkle import Frontier
from countermark.protocol.notices import parse_notice
from countermark.protocol.receipts import parse_receipt


class Fault(StrEnum):
    """What is wrong."""

    MISSING = "missing"  # entries are gone, others follow
    TRUNCATED = "truncated"  # the board ends before an anchor's size
    UNREADABLE = "unreadable"  # the sealed body does not open
    NOTICE = "notice"  # the notice is not its author's, or not the one that the row names
    LEAF = "leaf"  # the stored leaf hash is not the entry's
    RECEIPT = "receipt"  # the receipt is not the platform's, or is another entry's
    ANCHOR = "anchor"  # the entries do not give the root on the ledger
    HEAD = "head"  # the entries are good, and the next one would be appended to another tree than theirs
    NODE = "node"  # a stored hash over these entries is not theirs: proofs made from it would not hold


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault in the entries ``first`` to ``last``, both inclusive."""

    fault: Fault
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the ledger says about the board: the tree of the first ``size`` entries has this ``root``."""

    size: int
    root: bytes


def verify_board(
    rows: Iterable[Stored], anchors: Sequence[Anchor], *, market: str, platform: str, head: Head | None = None
) -> Iterator[Finding]:
    """Yield every fault of the board, by its entries; nothing when all is well. Takes constant memory.

    Args:
        rows: the board from entry 0 on, in the order of ``seq``.
        anchors: those of the ledger, from the auditor's own replica of it, in any order.
        market: channel/chaincode.
        platform: address of the platform's account.
        head: what the table beside the entries says of their tree (`Board.claimed_head`), if that is to be checked.
    """
    tree = _Tree(anchors)
    sound = True
    for finding in _entries(rows, tree, market, platform):
        sound = False
        yield finding
    if sound and head not in (None, tree.head):
        yield Finding(Fault.HEAD, tree.head.size, tree.head.size)


def _entries(rows: Iterable[Stored], tree: "_Tree", market: str, platform: str) -> Iterator[Finding]:
    expected = 0
    for row in rows:
        if row.seq > expected:
            yield Finding(Fault.MISSING, expected, row.seq - 1)
            tree.broken = True
        yield from (Finding(fault, row.seq, row.seq) for fault in _faults(row, market, platform))
        # Hashing what the entry says, not what the row claims: a consistent forgery must meet the anchors.
        yield from tree.append(row.leaf_hash if row.entry is None else row.entry.leaf_hash(), row.seq)
        expected = row.seq + 1
    yield from tree.end(expected)


class _Tree:
    """The tree as recomputed so far, compared with each anchor on the way."""

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self.broken = False
        self._anchors = sorted(anchors, key=lambda anchor: anchor.size)
        self._next = 0
        self._proven = 0
        self._frontier = Frontier()

    @property
    def head(self) -> Head:
        return Head(self._frontier.size, self._frontier.root())

    def append(self, leaf: bytes, seq: int) -> Iterator[Finding]:
        self._frontier.append(leaf)
        while self._next < len(self._anchors) and self._anchors[self._next].size <= seq + 1:
            anchor = self._anchors[self._next]
            self._next += 1
            if self.broken:
                continue  # the tree is another one from the first fault on: later roots say nothing more
            if anchor.size == seq + 1 and anchor.root == self._frontier.root():
                self._proven = anchor.size
            else:
                self.broken = True
                yield Finding(Fault.ANCHOR, self._proven, anchor.size - 1)

    def end(self, size: int) -> Iterator[Finding]:
        if self._next < len(self._anchors) and self._anchors[-1].size > size:
            yield Finding(Fault.TRUNCATED, size, self._anchors[-1].size - 1)


def _faults(row: Stored, market: str, platform: str) -> Iterator[Fault]:
    if row.entry is None:
        yield Fault.UNREADABLE
        leaf = row.leaf_hash
    else:
        leaf = row.entry.leaf_hash()
        if not _notice_holds(row.entry, market, platform):
            yield Fault.NOTICE
        if leaf != row.leaf_hash:
            yield Fault.LEAF
    if not _receipt_holds(row, leaf, market, platform):
        yield Fault.RECEIPT


def _notice_holds(entry: Entry, market: str, platform: str) -> bool:
    try:
        signed = parse_notice(entry.token, market=market, platform=platform)
    except MarketError:
        return False
    named = (KINDS[signed.notice.role], signed.notice.trade, signed.signer, signed.digest)
    return named == (entry.kind, entry.trade, entry.signer, entry.digest)


def _receipt_holds(row: Stored, leaf: bytes, market: str, platform: str) -> bool:
    try:
        receipt = parse_receipt(row.receipt, market=market, platform=platform).receipt
    except MarketError:
        return False
    # Earlier versions gave receipts without the number.
    if receipt.seq not in (None, row.seq) or receipt.anchored_by_ms != row.anchored_by_ms:
        return False
    if row.entry is None:
        return receipt.leaf == as_digest(leaf)
    return replace(receipt, seq=row.seq) == row.entry.receipt(anchored_by_ms=row.anchored_by_ms)
