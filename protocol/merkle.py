"""Merkle trees of RFC 6962: the board's log, a package's root, a listing's fingerprint root.

Leaves and inner nodes are hashed under different prefixes, so no leaf passes for a node. Hashes are 32 bytes of
SHA-256. Proofs are verified with the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple, Self

from countermark.protocol.errors import ErrorCode, MarketError

HASH_BYTES = 32

EMPTY_ROOT = sha256().digest()
"""Root of the tree without leaves."""

_SIZE_BYTES = 8


def leaf_hash(data: bytes | memoryview) -> bytes:
    """Return the hash of the leaf that holds ``data`` (RFC 6962 section 2.1)."""
    # Not joined, which would copy the data: a leaf may hold a MiB.
    hashed = sha256(b"\x00")
    hashed.update(data)
    return hashed.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the inner node over two child hashes (RFC 6962 section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


class Subtree(NamedTuple):
    """Where a complete subtree stands: over the leaves from ``position * 2**level`` on, ``2**level`` of them.

    At level 0 it is a leaf.
    """

    level: int
    position: int

    @property
    def first(self) -> int:
        """Index of its first leaf."""
        return self.position << self.level

    @property
    def end(self) -> int:
        """Index of the leaf after its last one."""
        return (self.position + 1) << self.level


class Frontier:
    """A tree that only grows: keeps the roots of its complete subtrees, at most 64 hashes whatever its size."""

    __slots__ = ("_roots", "_size")

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._size = 0
        # Largest subtree first: one for each bit that is set in the size.
        self._roots: list[bytes] = []
        for leaf in leaf_hashes:
            self.append(leaf)

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def append(self, leaf: bytes) -> list[tuple[Subtree, bytes]]:
        """Add a leaf, by its `leaf_hash`, and return the subtrees above it that it completes, with their roots."""
        if len(leaf) != HASH_BYTES:
            raise ValueError("a leaf hash has 32 bytes")
        joined, position = leaf, self._size
        completed: list[tuple[Subtree, bytes]] = []
        while position & 1:
            joined = node_hash(self._roots.pop(), joined)
            position >>= 1
            completed.append((Subtree(len(completed) + 1, position), joined))
        self._roots.append(joined)
        self._size += 1
        return completed

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return join(self._roots) if self._roots else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """Return the state for later: the size as 8 bytes, then the roots, largest subtree first."""
        return self._size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._roots)

    @classmethod
    def from_bytes(cls, state: bytes) -> Self:
        """Return the tree of which `to_bytes` wrote ``state``.

        Raises:
            MarketError: PROOF_INVALID; the state is not one.
        """
        size = int.from_bytes(state[:_SIZE_BYTES], "big")
        if len(state) != _SIZE_BYTES + HASH_BYTES * size.bit_count():
            raise MarketError(ErrorCode.PROOF_INVALID, "not the state of a tree")
        return cls.of(size, [state[at : at + HASH_BYTES] for at in range(_SIZE_BYTES, len(state), HASH_BYTES)])

    @classmethod
    def of(cls, size: int, roots: Sequence[bytes]) -> Self:
        """Return the tree of ``size`` leaves whose complete subtrees (`subtrees`) have ``roots``."""
        tree = cls()
        tree._size = size
        tree._roots = list(roots)
        return tree


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root over leaves given by their hashes."""
    return Frontier(leaf_hashes).root()


def join(roots: Sequence[bytes]) -> bytes:
    """Return the root over neighbouring complete subtrees of ``roots``, at least one, the largest first."""
    joined = roots[-1]
    for left in reversed(roots[:-1]):
        joined = node_hash(left, joined)
    return joined


def subtrees(start: int, end: int) -> list[Subtree]:
    """Return the complete subtrees that the leaves ``start`` up to ``end`` are made of, the largest first.

    The range must be one of those that proofs are about: a tree's own, or a branch of it.
    """
    found = []
    for level in reversed(range((end - start).bit_length())):
        if (end - start) >> level & 1:
            found.append(Subtree(level, start >> level))
            start += 1 << level
    return found


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Return the leaves under each hash of the audit path of leaf ``index`` in a tree of ``size``, from the leaf up.

    First leaf and the one after the last (RFC 6962 section 2.1.1).
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(m: int, n: int) -> list[tuple[int, int]]:
    """Return the leaves under each hash of the proof that a tree of ``m`` leaves is a prefix of one of ``n``.

    First leaf and the one after the last (RFC 6962 section 2.1.2).
    """
    if not 0 <= m <= n:
        raise ValueError("the tree has fewer leaves")
    if m in (0, n):
        return []
    ranges: list[tuple[int, int]] = []
    start, end = 0, n
    # Descend towards the border of the old tree; ``whole`` while the old tree fills [start, start + m) from 0 on.
    whole = True
    while m != end - start:
        middle = start + _split(end - start)
        if m <= middle - start:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            m -= middle - start
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of leaf ``index``, from the leaf up (RFC 6962 section 2.1.1)."""
    return [root(leaf_hashes[start:end]) for start, end in inclusion_ranges(index, len(leaf_hashes))]


def consistency_proof(leaf_hashes: Sequence[bytes], m: int) -> list[bytes]:
    """Return the proof that the first ``m`` leaves of a tree are a prefix of it all (RFC 6962 section 2.1.2)."""
    return [root(leaf_hashes[start:end]) for start, end in consistency_ranges(m, len(leaf_hashes))]


def verify_inclusion(leaf: bytes, index: int, size: int, tree_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the leaf with hash ``leaf`` stands at ``index`` in the tree of ``size`` leaves and ``tree_root``.

    For whoever holds a receipt of the board: the gateway serves the proof, an anchor on the ledger the root.

    Raises:
        MarketError: PROOF_INVALID.
    """
    _check_hashes(leaf, tree_root, *proof)
    if not 0 <= index < size:
        raise MarketError(ErrorCode.PROOF_INVALID, "the tree has no such leaf")
    at, last, joined = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise MarketError(ErrorCode.PROOF_INVALID, "the proof is too long")
        if at & 1 or at == last:
            joined = node_hash(sibling, joined)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            joined = node_hash(joined, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or joined != tree_root:
        raise MarketError(ErrorCode.PROOF_INVALID, "the leaf is not in the tree")


def verify_consistency(m: int, root_m: bytes, n: int, root_n: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of ``m`` leaves and ``root_m`` is a prefix of that of ``n`` leaves and ``root_n``.

    Raises:
        MarketError: PROOF_INVALID.
    """
    _check_hashes(root_m, root_n, *proof)
    if not 0 <= m <= n:
        raise MarketError(ErrorCode.PROOF_INVALID, "a tree only grows")
    if m == n or m == 0:
        expected = root_n if m == n else EMPTY_ROOT
        if proof or root_m != expected or (n == 0 and root_n != EMPTY_ROOT):
            raise MarketError(ErrorCode.PROOF_INVALID, "the trees are not consistent")
        return
    path = list(proof)
    if m & (m - 1) == 0:
        # A complete old tree is itself a node of the new one, and its root is left out of the proof.
        path.insert(0, root_m)
    if not path:
        raise MarketError(ErrorCode.PROOF_INVALID, "the proof is too short")
    at, last = m - 1, n - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise MarketError(ErrorCode.PROOF_INVALID, "the proof is too long")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or old != root_m or new != root_n:
        raise MarketError(ErrorCode.PROOF_INVALID, "the trees are not consistent")


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _check_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise MarketError(ErrorCode.PROOF_INVALID, "a hash has 32 bytes")
