"""Exact evidence: hashes of two cells of a row that a table has together once, whatever else the row holds.

Of every two columns each row gives one hash of its two cells, order-free, and of all of them those are sampled that
are small (`sketch.sample`). A copy with a part of the rows and a part of the columns, in any order and under any
names, has the part of the sample that is of them.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.sketch.sample import Hashes, Sketch, mixed
from countermark.fingerprint.table import MOST_PAIRS, WHOLE_ROW, Column
from countermark.fingerprint.table.cells import MISSING, Cells
from countermark.fingerprint.table.counted import Counted, CountingSampler
from countermark.fingerprint.table.describe import effective_number

__all__ = ["COLUMN_BITS", "PairSampler", "columns_of", "contents_of"]

COLUMN_BITS: Final = 16
"""The low bits of a hash say which columns it is of: the lesser in the upper eight, the greater in the lower."""

_COLUMNS: Final = np.uint64((1 << COLUMN_BITS) - 1)
_ROWS: Final = WHOLE_ROW << 8 | WHOLE_ROW

_ROOM: Final = 2
"""How many times the hashes that are kept at the end are sampled: some of them tell nothing and are left out."""

_ALONE: Final = np.uint64(0x6F6E652063656C6C)
"""Makes the hash of a cell alone another than that of the cell."""

_LEAST_UNIQUE: Final = 2
"""A pair of columns counts if one in so many of its different pairs of cells, at least, is in one row only."""

_FEWEST_VALUES: Final = 8
"""A column tells something if two of its cells are the same in one of so many cases at most."""

_CROSSED: Final = 4
"""Two columns of which each value of the one meets so large a part of those of the other are a plan, not findings."""


class PairSampler:
    """Sees the rows of a table go by, and keeps a sample of their pairs of cells."""

    def __init__(self) -> None:
        self._sampler = CountingSampler(_ROOM * MOST_PAIRS)

    def add(self, columns: Sequence[Cells], row_hashes: Hashes) -> None:
        """Take in some rows, column by column; `row_hashes` are those of all cells of each."""
        present = [cells.hashes != MISSING for cells in columns]
        for first, cells in enumerate(columns):
            for second in range(first + 1, len(columns)):
                hashes = cells.hashes + columns[second].hashes
                self._add(hashes, present[first], present[second], first, second)
            if cells.long.any():
                self._add(mixed(cells.hashes ^ _ALONE), cells.long, cells.long, first, first)
        if len(columns) > 2:
            everywhere = np.ones(len(row_hashes), np.bool_)
            self._add(row_hashes, everywhere, everywhere, WHOLE_ROW, WHOLE_ROW)

    def sketch(self, columns: Sequence[Column], rows: int) -> Sketch:
        """Return the sample of the pairs of cells that say something, of a table of so many `rows`."""
        counted = self._sampler.counted()
        chosen = counted.chosen(_telling(counted, columns, rows)).at_most(MOST_PAIRS)
        return Sketch(chosen.level, chosen.hashes)

    def row_effective(self, rows: int) -> int:
        """Return one divided by the chance that two of the `rows` have the same cells, in whatever order."""
        counted = self._sampler.counted()
        return effective_number(counted.chosen(columns_of(counted.hashes) == _ROWS), rows)

    def _add(
        self, hashes: Hashes, here: NDArray[np.bool_], there: NDArray[np.bool_], first: int, second: int
    ) -> None:
        small = np.flatnonzero(hashes <= self._sampler.bound)
        small = small[here[small] & there[small]]
        self._sampler.add((hashes[small] & ~_COLUMNS) | np.uint64(first << 8 | second))


def columns_of(hashes: Hashes) -> NDArray[np.int64]:
    """Return the columns that each hash is of: 256 times the lesser, plus the greater."""
    return (hashes & _COLUMNS).astype(np.int64)


def contents_of(hashes: Hashes) -> Hashes:
    """Return what of each hash depends on the cells and not on their columns' places."""
    return hashes >> np.uint64(COLUMN_BITS)


def _telling(counted: Counted, columns: Sequence[Column], rows: int) -> NDArray[np.bool_]:
    """Return which hashes came once, or as often as any row does, of columns of which most do."""
    groups = columns_of(counted.hashes)
    # Rows that somebody doubled are no less telling.
    of_rows = counted.counts[groups == _ROWS] if len(columns) > 2 else counted.counts
    once = counted.counts <= (of_rows.min() if len(of_rows) else 1)
    # By different pairs and not by rows: rows that somebody added again and again do not hide the others.
    different = np.bincount(groups, minlength=_ROWS + 1)
    unique = np.bincount(groups, once, _ROWS + 1)
    telling = _LEAST_UNIQUE * unique >= np.maximum(different, 1)
    for first, one in enumerate(columns):
        for second in range(first + 1, len(columns)):
            if _planned(one, columns[second], rows):
                telling[first << 8 | second] = False
    return np.asarray(once & telling[groups])


def _planned(one: Column, other: Column, rows: int) -> bool:
    """Return whether two columns meet as somebody planned, so that tables of strangers have the same pairs."""
    if (one.regular and other.regular) or min(one.effective, other.effective) < _FEWEST_VALUES:
        return True
    repeated = 2 * one.distinct < rows and 2 * other.distinct < rows
    return repeated and one.distinct * other.distinct <= _CROSSED * rows
