"""A fingerprint of a table, unpacked for comparing."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.sketch.sample import Hashes, Sketch
from countermark.fingerprint.table import KINDS, LAST_CODE, QUANTILES, SHAPE, WHOLE_ROW, Column
from countermark.fingerprint.table.config import V1
from countermark.fingerprint.table.extremes import DEEPEST
from countermark.fingerprint.table.pairs import columns_of, contents_of

__all__ = ["Known"]

_FINEST: Final = 1e-12
"""A spread that is a smaller part of the numbers is that of their last bits."""

_LIKE_SIZE: Final = 4
"""Texts may be of one list, a key, if one column has at most so many times as many different ones as the other."""

_SMALLEST: Final = 1e-140
"""A spread by which any number that is read can be divided."""


@dataclass(frozen=True)
class Known:
    """What a fingerprint says of a table.

    Attributes:
        rows: How many it has.
        row_effective: One divided by the chance that two of them have the same cells.
        columns: Those that are described.
        sketch: The sample of pairs of cells.
        codes: The kept rows, n x columns; 0 is a missing cell.
    """

    rows: int
    row_effective: int
    columns: tuple[Column, ...]
    sketch: Sketch
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, fingerprint: Fingerprint) -> Self:
        """Return what `fingerprint`, of ``table/v1``, says."""
        columns = Column.all_of(fingerprint.segment("columns"))
        codes = np.frombuffer(fingerprint.segment("rows"), ">u2").astype(np.int64)
        width = len(columns)
        # Rows that are not whole, and a hash of a column that is not described, are nobody's: they are left out.
        # So are rows beyond those that both ends of all columns have: a comparison of very many takes long.
        rows_kept = min(len(codes) // width, 2 * DEEPEST * width) if width else 0
        whole = codes[: rows_kept * width].reshape(rows_kept, width)
        sketch = Sketch.from_bytes(fingerprint.segment("pairs"))
        greater = columns_of(sketch.hashes) & 255
        known = (greater < width) | (greater == WHOLE_ROW)
        rows, _, row_effective = SHAPE.unpack(fingerprint.segment("shape"))
        return cls(rows, row_effective, columns, Sketch(sketch.level, sketch.hashes[known]), whole)

    @property
    def is_featureless(self) -> bool:
        """Whether there are too few pairs of cells by which the table could be known."""
        return len(self.sketch.hashes) < V1.fewest_pairs

    @cached_property
    def contents(self) -> Hashes:
        """The contents of the sampled pairs, ascending, each once."""
        return np.unique(contents_of(self.sketch.hashes))

    @cached_property
    def distinct(self) -> NDArray[np.float64]:
        """How many different values there are, by column; at least one."""
        return np.array([float(max(column.distinct, 1)) for column in self.columns])

    @cached_property
    def regular(self) -> NDArray[np.bool_]:
        """Which columns lie on a grid."""
        return np.array([bool(column.regular) for column in self.columns], np.bool_)

    @cached_property
    def numeric(self) -> NDArray[np.bool_]:
        """Which columns are of numbers or dates."""
        return np.array([KINDS[column.kind] != "text" for column in self.columns], np.bool_)

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """Which columns are of numbers that differ and lie on no grid."""
        size = np.array([max(abs(column.low), abs(column.high)) for column in self.columns])
        return np.asarray(self.numeric & ~self.regular & (self.spreads > np.maximum(size * _FINEST, _SMALLEST)))

    @cached_property
    def repeats(self) -> NDArray[np.float64]:
        """The chance that two cells of a column have the same value, by column."""
        return 1 / np.array([float(column.effective) for column in self.columns])

    @cached_property
    def spreads(self) -> NDArray[np.float64]:
        """The standard deviations, by column."""
        return np.array([column.spread for column in self.columns])

    @cached_property
    def lows(self) -> NDArray[np.float64]:
        """The least numbers, by column."""
        return np.array([column.low for column in self.columns])

    @cached_property
    def highs(self) -> NDArray[np.float64]:
        """The greatest numbers, by column."""
        return np.array([column.high for column in self.columns])

    @cached_property
    def steps(self) -> NDArray[np.float64]:
        """What one code makes in a column's numbers, by column."""
        return np.array([(column.high - column.low) / LAST_CODE for column in self.columns])

    @cached_property
    def quantiles(self) -> NDArray[np.float64]:
        """The numbers at the columns' quantiles, columns x `QUANTILES`."""
        codes = np.array([column.quantiles for column in self.columns], np.float64).reshape(-1, QUANTILES)
        return np.asarray(self.lows[:, np.newaxis] + codes * self.steps[:, np.newaxis])

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The numbers of the kept rows, columns x n; where a cell is missing, the least."""
        return np.asarray(self.lows[:, np.newaxis] + self.codes.T * self.steps[:, np.newaxis])

    def chances(self, other: "Known") -> NDArray[np.float64]:
        """Return the chance that a sampled pair is in an unrelated table like `other`, by the hash's columns.

        An unrelated table may have a column in common, a key; then the other cell agrees as often as two cells of its
        column do. Without a key both have to agree, with those of any two columns in any of the rows.
        """
        width, alike = len(self.columns), self._alike(other)
        anywhere = alike.sum(axis=1)
        # Each cell in a column of its own: where both are in the same one, they are no pair.
        drawn = other.rows * (np.outer(anywhere, anywhere) - alike @ alike.T)
        repeats = np.maximum(self.repeats, anywhere)
        one, two = repeats[:, np.newaxis], repeats
        grid, other_grid = self.regular[:, np.newaxis], self.regular
        by_key = np.where(grid == other_grid, np.maximum(one, two), np.where(grid, two, one))
        chances = np.maximum(by_key, drawn)
        np.fill_diagonal(chances, other.rows * repeats)
        table = np.zeros((1 << 8, 1 << 8))
        table[:width, :width] = chances
        table[-1, -1] = other.rows / self.row_effective
        return np.minimum(table.reshape(-1), 1.0)

    def _alike(self, other: "Known") -> NDArray[np.float64]:
        """Return the chance that a cell of a column of `other` has the value of one here, columns x columns, at most.

        Two columns agree no more often than the geometric mean of what each does with itself (Cauchy and Schwarz), of
        numbers in the range of the other. A key, which strangers share, repeats no value and has all that there are:
        with itself it agrees in one of its rows, at least.
        """
        sizes = self.distinct[:, np.newaxis] / other.distinct
        texts = ~self.numeric[:, np.newaxis] & ~other.numeric & (sizes <= _LIKE_SIZE) & (sizes >= 1 / _LIKE_SIZE)
        ones = np.maximum(self.repeats[:, np.newaxis], (self.regular[:, np.newaxis] | texts) / max(self.rows, 1))
        others = np.maximum(other.repeats, (other.regular | texts) / max(other.rows, 1))
        numbers = self.numeric[:, np.newaxis] & other.numeric
        # What a part of the cells does with itself is no more than if all of it were one value.
        ones = np.minimum(ones, np.where(numbers, self._within(other) ** 2, 1.0))
        others = np.minimum(others, np.where(numbers, other._within(self).T ** 2, 1.0))
        same_kind = self.numeric[:, np.newaxis] == other.numeric
        return np.asarray(np.where(same_kind, np.sqrt(ones * others), 0.0))

    def _within(self, other: "Known") -> NDArray[np.float64]:
        """Return which share of the numbers here is in the range of each column of `other`, at most."""
        quantiles, step = self.quantiles[:, np.newaxis], self.steps[:, np.newaxis, np.newaxis]
        inside = (quantiles >= other.lows[:, np.newaxis] - step) & (quantiles <= other.highs[:, np.newaxis] + step)
        # Up to one more of the parts between the quantiles may be inside.
        share = (inside.sum(axis=2) + 1) / (QUANTILES + 1)
        meet = (self.lows[:, np.newaxis] <= other.highs) & (self.highs[:, np.newaxis] >= other.lows)
        return np.asarray(np.where(meet, share, 0.0))
