"""What a ledger says of the board: its anchors, who the platform was when, and which act named a notice."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from countermark.audit import records
from countermark.audit.bundles.inspection import Inspection, Verdict
from countermark.audit.bundles.manifest import Manifest
from countermark.audit.errors import AuditError
from countermark.audit.replay import Change
from countermark.audit.roots import Roots
from countermark.network.blocks import Block
from countermark.protocol import fields, times
from countermark.protocol.board_proofs import Tree
from countermark.protocol.encoding import undigest
from countermark.protocol.errors import MarketError

_ANCHOR = "board/anchor/"
_VERSION = "market/version/"

_MEMBERS: Mapping[str, fields.Parser] = {
    "at": times.from_text,
    "root": undigest,
    "size": fields.integer(1, 2**53 - 1),
    "tx": fields.text(128),
}


@dataclass(frozen=True)
class Sought:
    """What of a ledger is remembered: a board has more anchors than memory should hold."""

    numbers: frozenset[int] = frozenset()
    """Entries of which the first anchor is sought."""
    sizes: frozenset[int] = frozenset()
    """Trees that may be anchored."""
    trades: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Anchor:
    """A tree that stands on the ledger, with the transaction that put it there and what that says is the time."""

    tree: Tree
    at_ms: int
    tx: str
    block: int


@dataclass(frozen=True)
class Naming:
    """The act on the ledger that names a notice by its digest."""

    function: str
    tx: str
    block: int
    time_ms: int
    signer: str


@dataclass(frozen=True)
class Term:
    """The account that is the platform's from a time on, and how far clocks may differ then."""

    account: str
    since_ms: int
    guard_ms: int


@dataclass(frozen=True)
class BoardLedger:
    """What verified blocks say, as far as it was sought."""

    market: str
    now_ms: int
    """The latest time that a valid transaction of the market has."""
    terms: tuple[Term, ...]
    first: Mapping[int, Anchor] = field(repr=False)
    """By the number of an entry, the first anchor whose tree has it."""
    anchored: Mapping[int, Anchor] = field(repr=False)
    """By size."""
    last_size: int
    parties: Mapping[str, Mapping[str, str]] = field(repr=False)
    """By trade: address of its seller and of its buyer."""
    named: Mapping[str, Naming] = field(repr=False)
    """By the digest of a notice."""

    @property
    def guard_ms(self) -> int:
        """How far a deadline must lie back before it counts as missed: the most that the market has ever set."""
        return max(term.guard_ms for term in self.terms)

    def platforms(self, time_ms: int) -> Iterator[str]:
        """Yield the accounts that can have been the platform's at ``time_ms``."""
        for term, later in zip(self.terms, [*self.terms[1:], None], strict=True):
            until_ms = time_ms if later is None else later.since_ms + self.guard_ms
            if term.since_ms - self.guard_ms <= time_ms <= until_ms:
                yield term.account

    def find(self, tree: Tree) -> Anchor | None:
        """Return the anchor of ``tree``, None when this tree was not anchored."""
        anchor = self.anchored.get(tree.size)
        return anchor if anchor is not None and anchor.tree == tree else None


class BoardInspection(Inspection):
    """An inspection of blocks that also reads what they say of the board; `board` is there with the verdict."""

    board: BoardLedger

    def __init__(
        self, manifest: Manifest, sought: Sought, *, genesis: bytes = b"", roots: Roots | None = None
    ) -> None:
        trades = frozenset(f"trade/{trade}" for trade in sought.trades)
        super().__init__(manifest, genesis=genesis, roots=roots, watched=trades)
        self._sought = sought
        self._terms: list[Term] = []

    def apply(self, block: Block) -> None:
        """See `Inspection.apply`."""
        super().apply(block)
        for transaction in block.transactions:
            if not transaction.valid or transaction.chaincode != self._manifest.chaincode:
                continue
            for write in transaction.writes:
                if write.namespace == self._manifest.chaincode and write.key.startswith(_VERSION):
                    config = records.parse_config(write.value)
                    guard_ms = config.guard_s * 1000
                    self._terms.append(Term(config.platform.account, transaction.timestamp_ms, guard_ms))

    def verdict(self) -> Verdict:
        """See `Inspection.verdict`."""
        verdict = super().verdict()
        self.board = self._read()
        return verdict

    def _read(self) -> BoardLedger:
        first: dict[int, Anchor] = {}
        anchored: dict[int, Anchor] = {}
        waiting, last_size = sorted(self._sought.numbers, reverse=True), 0
        # In the order of their keys, which is that of their sizes.
        for key, value in self._replay.state.items():
            if not key.startswith(_ANCHOR):
                continue
            anchor = self._anchor(key, value)
            last_size = anchor.tree.size
            while waiting and waiting[-1] < last_size:
                first[waiting.pop()] = anchor
            if last_size in self._sought.sizes:
                anchored[last_size] = anchor
        return BoardLedger(
            market=self._manifest.market,
            now_ms=self._deadlines.now_ms,
            terms=tuple(self._terms),
            first=first,
            anchored=anchored,
            last_size=last_size,
            parties=dict(self._parties()),
            named=dict(self._named()),
        )

    def _anchor(self, key: str, value: bytes) -> Anchor:
        try:
            members = fields.record(records.parse(key, value), _MEMBERS)
        except MarketError as error:
            raise AuditError("malformed_record", f"{key}: {error.detail}") from error
        version = self._books.versions.get((self._manifest.chaincode, "", key.encode()))
        assert version is not None
        return Anchor(Tree(members["size"], members["root"]), members["at"], members["tx"], version[0])

    def _parties(self) -> Iterator[tuple[str, dict[str, str]]]:
        for trade in self._sought.trades:
            record = records.find(self._replay.state, f"trade/{trade}")
            if record is not None:
                yield trade, {"seller": record["seller"], "buyer": record["buyer"]}

    def _named(self) -> Iterator[tuple[str, Naming]]:
        known: set[str] = set()
        for trade in self._sought.trades:
            for change in self._replay.history.get(f"trade/{trade}", ()):
                for digest in _digests(change) - known:
                    known.add(digest)
                    transaction = change.transaction
                    yield (
                        digest,
                        Naming(
                            *(transaction.function, transaction.tx_id, change.block),
                            *(transaction.timestamp_ms, change.signer),
                        ),
                    )


def _digests(change: Change) -> set[str]:
    """Return the digests of notices in a trade's record."""
    record: dict[str, Any] = json.loads(change.value or b"{}")
    notices = [*record.get("notices", {}).values(), (record.get("remedy") or {}).get("notice", "")]
    return {str(one) for one in notices if one}
