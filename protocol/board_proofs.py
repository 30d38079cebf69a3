"""What a party keeps of its entry on the board, to show years later and without the platform what came in, and when.

One document holds the entry as it is hashed, with the signed notice in it; the platform's receipt; and the proof that
the entry is in a tree. Which trees were anchored, only a ledger can tell, so the document is judged together with one
(`audit.board`). Canonical JSON (RFC 8785); a proof of a tree's growth (RFC 6962 section 2.1.2) leads to another tree
that may be the anchored one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from countermark.protocol import canonical, entries, fields, jws, merkle
from countermark.protocol.encoding import as_digest, undigest
from countermark.protocol.entries import Entry
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.notices import Notice, parse_notice
from countermark.protocol.receipts import Receipt, parse_receipt

FORMAT: Final = "countermark-board-proof/1"

LONGEST: Final = 1 << 20
"""Bytes of a document."""

_LONGEST_PATH = 64


def _or_none(parser: fields.Parser) -> fields.Parser:
    return lambda value: None if value is None else parser(value)


_size = fields.integer(1, 2**53 - 1)
_hash: fields.Parser = undigest
_path = fields.sequence(_hash, longest=_LONGEST_PATH)
_INCLUSION: Mapping[str, fields.Parser] = {
    "leaf": _hash,
    "path": _path,
    "root": _hash,
    "seq": entries.number,
    "size": _size,
}
_GROWTH: Mapping[str, fields.Parser] = {"path": _path, "root": _hash, "size": _size}


@dataclass(frozen=True)
class Tree:
    """A tree of ``size`` leaves by its root."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Inclusion:
    """A leaf at the place ``seq`` of a tree, and the path that shows it (RFC 6962 section 2.1.1)."""

    seq: int
    leaf: bytes
    tree: Tree
    path: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the inclusion of a JSON object; in what a gateway answers stands besides which anchor it named.

        Raises:
            MarketError: MALFORMED_REQUEST.
        """
        members = fields.record(value, {**_INCLUSION, "anchor": fields.optional(lambda anchor: anchor)})
        tree = Tree(members["size"], members["root"])
        return cls(members["seq"], members["leaf"], tree, tuple(members["path"]))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "leaf": as_digest(self.leaf),
            "path": [as_digest(step) for step in self.path],
            "root": as_digest(self.tree.root),
            "seq": self.seq,
            "size": self.tree.size,
        }

    def check(self) -> None:
        """Check that the path leads from the leaf to the root.

        Raises:
            MarketError: PROOF_INVALID.
        """
        merkle.verify_inclusion(self.leaf, self.seq, self.tree.size, self.tree.root, self.path)


@dataclass(frozen=True)
class Growth:
    """The proof that of two trees, one given and ``tree``, the larger is the smaller and what came after it."""

    tree: Tree
    path: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the growth of a JSON object.

        Raises:
            MarketError: MALFORMED_REQUEST.
        """
        members = fields.record(value, _GROWTH)
        return cls(Tree(members["size"], members["root"]), tuple(members["path"]))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "path": [as_digest(step) for step in self.path],
            "root": as_digest(self.tree.root),
            "size": self.tree.size,
        }

    def check(self, given: Tree) -> None:
        """Check that it leads from ``given`` to `tree`, or back.

        Raises:
            MarketError: PROOF_INVALID.
        """
        small, large = sorted((given, self.tree), key=lambda one: one.size)
        merkle.verify_consistency(small.size, small.root, large.size, large.root, self.path)


@dataclass(frozen=True)
class Shown:
    """What a document shows by its signatures alone: receipt, number of the entry, and the notice if it is there."""

    receipt: Receipt
    seq: int
    notice: Notice | None

    @property
    def leaf(self) -> bytes:
        """The hash that the receipt promises to anchor."""
        return undigest(self.receipt.leaf)


@dataclass(frozen=True)
class BoardProof:
    """The document; without ``entry`` it shows less: that something of the trade came in, and what was promised."""

    market: str
    receipt: str = field(repr=False)
    entry: Entry | None = None
    inclusion: Inclusion | None = None
    growth: Growth | None = None
    """From the tree of ``inclusion`` to another one, or from that to it."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the document in ``data``, of which nothing but the form is checked.

        Raises:
            MarketError: PROOF_INVALID; it is none.
        """
        if len(data) > LONGEST:
            raise MarketError(ErrorCode.PROOF_INVALID, f"a board proof has at most {LONGEST} bytes")
        try:
            members = fields.record(canonical.loads(data), _DOCUMENT)
        except MarketError as error:
            raise MarketError(ErrorCode.PROOF_INVALID, f"not a board proof: {error.detail}") from error
        del members["format"]
        return cls(growth=members.pop("consistency"), **members)

    def to_bytes(self) -> bytes:
        """Return the canonical bytes."""
        return canonical.dumps(
            {
                "consistency": None if self.growth is None else self.growth.to_json(),
                "entry": None if self.entry is None else self.entry.to_json(),
                "format": FORMAT,
                "inclusion": None if self.inclusion is None else self.inclusion.to_json(),
                "market": self.market,
                "receipt": self.receipt,
            }
        )

    def without_notice(self) -> Self:
        """Return this without what the notice says, for eyes that it does not concern."""
        return replace(self, entry=None)

    def check(self, *, platform: str) -> Shown:
        """Return what it shows, once its parts are sound and fit together; which trees were anchored it cannot say.

        Args:
            platform: address of the platform's account.

        Raises:
            MarketError: PROOF_INVALID; or a code of `parse_receipt` or `parse_notice`.
        """
        receipt = parse_receipt(self.receipt, market=self.market, platform=platform).receipt
        seq = receipt.seq if self.entry is None else self.entry.seq
        if seq is None:
            raise _refuse("its receipt, of an earlier version, says nothing of any entry without that entry")
        notice = None if self.entry is None else self._check_entry(self.entry, receipt, platform)
        if self.inclusion is not None:
            if self.inclusion.seq != seq:
                raise _refuse("it proves another entry than the receipt's")
            self.inclusion.check()
        if self.growth is not None:
            if self.inclusion is None:
                raise _refuse("the growth of no tree")
            self.growth.check(self.inclusion.tree)
        return Shown(receipt, seq, notice)

    def _check_entry(self, entry: Entry, receipt: Receipt, platform: str) -> Notice:
        signed = parse_notice(entry.token, market=self.market, platform=platform)
        if Entry.of(signed, seq=entry.seq, received_at_ms=entry.received_at_ms) != entry:
            raise _refuse("its entry says something else than the notice in it")
        promised = entry.receipt(anchored_by_ms=receipt.anchored_by_ms)
        # Earlier versions gave receipts without the number, which the leaf holds all the same.
        if (promised if receipt.seq is not None else replace(promised, seq=None)) != receipt:
            raise _refuse("its receipt is for another entry")
        return signed.notice


def _refuse(detail: str) -> MarketError:
    return MarketError(ErrorCode.PROOF_INVALID, detail)


_DOCUMENT: Mapping[str, fields.Parser] = {
    "consistency": _or_none(Growth.from_json),
    "entry": _or_none(Entry.from_json),
    "format": fields.choice(FORMAT),
    "inclusion": _or_none(Inclusion.from_json),
    "market": fields.text(256),
    "receipt": fields.text(jws.MAX_TOKEN),
}
