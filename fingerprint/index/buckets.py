"""Multi-index hashing: words of bits that share a key with a given one, found without looking at the others.

Norouzi, Punjani, Fleet: Fast exact search in Hamming space with multi-index hashing, PAMI 2014. A word of 16 t bits
has t keys; two words that differ in fewer than t bits have a key in common, and in fewer than 2 t bits one that
differs in a bit at most.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["KEY_BITS", "Buckets", "keys_of", "near_keys", "unsure_keys"]

KEY_BITS: Final = 16
_KEYS: Final = 1 << KEY_BITS
_PORTION: Final = 1 << 15

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def keys_of(words: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Return the keys of n x w words of 64 bits: n x 4 w."""
    return np.ascontiguousarray(words.astype(">u8")).view(">u2").astype(np.uint16)


def unsure_keys(keys: NDArray[np.uint16], unsure: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return n x t `keys` with every choice of their `unsure` bits turned, those of the first first.

    Args:
        keys: n x t.
        unsure: Of each key the same number of bits.
    """
    turned, rest = keys[:, np.newaxis], unsure[:, np.newaxis]
    while rest.any():
        lowest = rest & (~rest + np.uint16(1))
        turned = np.concatenate([turned, turned ^ lowest], axis=1)
        rest = rest ^ lowest
    return turned.reshape(-1, keys.shape[1])


def near_keys(keys: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return the keys that differ from n x t `keys` in a bit at most: 17 n x t, those of the first first."""
    flips = np.array([0, *(1 << bit for bit in range(KEY_BITS))], np.uint16)
    return (keys[:, np.newaxis] ^ flips[np.newaxis, :, np.newaxis]).reshape(-1, keys.shape[1])


class Buckets:
    """The numbers of words by each of their keys. Never changes."""

    def __init__(self, keys: NDArray[np.uint16]) -> None:
        """Sort words with these keys, n x t."""
        self._order: NDArray[np.uint32] = np.empty((keys.shape[1], len(keys)), np.uint32)
        self._starts = np.zeros((keys.shape[1], _KEYS + 1), np.uint32)
        for table, column in enumerate(keys.T):
            self._order[table] = np.argsort(column, kind="stable")
            np.cumsum(np.bincount(column, minlength=_KEYS), out=self._starts[table, 1:])

    def sharing(self, keys: NDArray[np.uint16], most: int) -> Pairs:
        """Return pairs (row of `keys`, number of a word) that share a key in its place; a pair may come repeatedly.

        No more than `most` pairs: those by the keys that fewest words have. A key that very many have tells nothing.
        """
        none = np.empty(0, np.int64)
        portions = [(none, none), *self.portions(keys, most)]
        rows, numbers = (np.concatenate(some) for some in zip(*portions, strict=True))
        return rows, numbers

    def portions(self, keys: NDArray[np.uint16], most: int) -> Iterator[Pairs]:
        """Yield the pairs of `sharing` some at a time: few enough to stay in the processor's cache."""
        rows, tables = np.divmod(np.arange(keys.size), keys.shape[1])
        found = keys.astype(np.int64).reshape(-1)
        starts = self._starts[tables, found].astype(np.int64)
        counts = self._starts[tables, found + 1].astype(np.int64) - starts
        used = np.flatnonzero(counts)
        if counts[used].sum() > most:
            used = used[np.argsort(counts[used], kind="stable")]
            used = used[np.cumsum(counts[used]) <= most]
        starts, counts, rows = starts[used] + tables[used] * self._order.shape[1], counts[used], rows[used]
        ends = np.cumsum(counts)
        last = 0
        while last < len(ends):
            first, before = last, ends[last] - counts[last]
            last = max(first + 1, int(np.searchsorted(ends, before + _PORTION, "right")))
            here = slice(first, last)
            offsets = np.repeat(starts[here] - (ends[here] - counts[here]), counts[here])
            places = offsets + np.arange(before, ends[last - 1])
            yield np.repeat(rows[here], counts[here]), self._order.reshape(-1).take(places).astype(np.int64)
