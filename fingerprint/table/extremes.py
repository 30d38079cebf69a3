"""Robust evidence: the rows with the greatest and least values of each column, which rounding and noise leave there.

A value is taken with all rows that have it or not at all, so the choice depends on no order. Of a column of texts or
of a regular one the hashes of the cells take the values' place: a choice that a part of the rows shares in
proportion, and that other columns' noise does not touch.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.sketch.sample import Hashes
from countermark.fingerprint.table import KINDS, MOST_ROW_BYTES, Column
from countermark.fingerprint.table.cells import MISSING, Cells
from countermark.fingerprint.table.describe import codes_of

__all__ = ["DEEPEST", "ExtremeRows"]

DEEPEST: Final = 64
"""Rows that are kept at each end of a column at most."""

_TEXT_CODES: Final = 65_535
_HASH_SHIFT: Final = np.uint64(11)
"""Leaves as many bits of a hash as a float of 64 bits holds."""

Floats = NDArray[np.float64]


class _End:
    """The rows at one end of a column."""

    def __init__(self, width: int) -> None:
        self.keys: Floats = np.empty(0)
        self.values: Floats = np.empty((0, width))
        self.hashes: Hashes = np.empty((0, width), np.uint64)
        self.rows: Hashes = np.empty(0, np.uint64)
        self.beyond = -np.inf
        """Rows with this key or a lesser one are too many."""

    def interesting(self, keys: Floats) -> NDArray[np.int64]:
        """Return the places of rows that may be kept; of a column's NaNs none."""
        rows = np.flatnonzero(keys > self.beyond)
        if len(rows) > 2 * DEEPEST:
            least = np.partition(keys[rows], len(rows) - DEEPEST - 1)[len(rows) - DEEPEST - 1]
            # More rows than are kept have this key or a greater one.
            self.beyond = float(least)
            rows = rows[keys[rows] > least]
        return rows

    def add(self, keys: Floats, values: Floats, hashes: Hashes, rows: Hashes) -> None:
        self.keys = np.concatenate([self.keys, keys])
        self.values = np.concatenate([self.values, values])
        self.hashes = np.concatenate([self.hashes, hashes])
        self.rows = np.concatenate([self.rows, rows])
        if len(self.keys) > DEEPEST:
            self.beyond = max(self.beyond, float(np.sort(self.keys)[-DEEPEST - 1]))
        kept = self.keys > self.beyond
        self.keys, self.values = self.keys[kept], self.values[kept]
        self.hashes, self.rows = self.hashes[kept], self.rows[kept]

    def within(self, depth: int) -> NDArray[np.bool_]:
        """Return which rows are kept if no more than `depth` may be."""
        if len(self.keys) <= depth:
            return np.ones(len(self.keys), np.bool_)
        return np.asarray(self.keys > np.sort(self.keys)[-depth - 1])


class ExtremeRows:
    """Sees the rows of a table go by, and keeps those at the ends of its columns."""

    def __init__(self, width: int) -> None:
        """Expect rows of `width` cells."""
        self._width = width
        self._ends = [(_End(width), _End(width)) for _ in range(width)]
        self._texts = [_End(width) for _ in range(width)]

    def add(self, columns: Sequence[Cells], row_hashes: Hashes) -> None:
        """Take in some rows, column by column."""
        for (top, bottom), by_hash, cells in zip(self._ends, self._texts, columns, strict=True):
            keys = np.where(cells.hashes != MISSING, (cells.hashes >> _HASH_SHIFT).astype(np.float64), np.nan)
            for end, end_keys in ((top, cells.values), (bottom, -cells.values), (by_hash, keys)):
                rows = end.interesting(end_keys)
                if len(rows):
                    values = np.stack([other.values[rows] for other in columns], axis=1)
                    hashes = np.stack([other.hashes[rows] for other in columns], axis=1)
                    end.add(end_keys[rows], values, hashes, row_hashes[rows])

    def rows(self, columns: Sequence[Column]) -> bytes:
        """Return the rows that are kept of a table with these `columns`: two bytes a cell, 0 for a missing one.

        A number is 1 to 65,535 between its column's least and greatest; a text a hash of 16 bits.
        """
        if not self._width:
            return b""
        most = MOST_ROW_BYTES // (2 * self._width)
        ends: list[_End] = []
        for column, both, by_hash in zip(columns, self._ends, self._texts, strict=True):
            ends += [by_hash] if KINDS[column.kind] == "text" or column.regular else both
        low, high = 0, DEEPEST
        while low < high:
            depth = (low + high + 1) // 2
            if len(_together(ends, depth)[0]) <= most:
                low = depth
            else:
                high = depth - 1
        _, values, hashes = _together(ends, low)
        codes = np.stack([_codes(column, values[:, at], hashes[:, at]) for at, column in enumerate(columns)], axis=1)
        return b"".join(sorted(row.tobytes() for row in codes.astype(">u2")))


def _together(ends: Sequence[_End], depth: int) -> tuple[Hashes, Floats, Hashes]:
    """Return the rows of all `ends`, each once."""
    masks = [end.within(depth) for end in ends]
    rows = np.concatenate([end.rows[mask] for end, mask in zip(ends, masks, strict=True)])
    values = np.concatenate([end.values[mask] for end, mask in zip(ends, masks, strict=True)])
    hashes = np.concatenate([end.hashes[mask] for end, mask in zip(ends, masks, strict=True)])
    _, first = np.unique(rows, return_index=True)
    return rows[first], values[first], hashes[first]


def _codes(column: Column, values: Floats, hashes: Hashes) -> NDArray[np.int64]:
    if KINDS[column.kind] == "text":
        codes = (hashes % np.uint64(_TEXT_CODES)).astype(np.int64) + 1
        return np.where(hashes == MISSING, 0, codes)
    absent = np.isnan(values)
    return np.where(absent, 0, np.maximum(codes_of(np.where(absent, column.low, values), column.low, column.high), 1))
