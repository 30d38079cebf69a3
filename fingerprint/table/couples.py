"""Couples: pairs of columns of numbers, of two tables, that may be the same, and the kept rows' numbers in them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.table.config import RowRule
from countermark.fingerprint.table.tables import Known

__all__ = ["Bits", "Couples", "Floats", "Places", "couples_of", "likely_couples"]

_ABSENT: Final = np.float32(3e30)
"""Stands for a missing cell: near another missing one and far from every number, which are below 1e14."""

_SAMPLE: Final = 128
"""Rows of one table from which it is estimated how many pairs of rows agree by chance."""

_WIDER: Final = 4
"""How many times as wide as the other a column may be that is the same: half of the rows may be gone."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Places = NDArray[np.int64]
Bits = NDArray[np.uint8]


@dataclass(frozen=True)
class Couples:
    """Pairs of columns of a first and a second table, by ascending places in the first.

    Attributes:
        firsts: The columns' places in the first table.
        seconds: In the second.
        unlike: How far their quantiles are apart, in standard deviations.
        ones: The numbers of the first table's n kept rows, couples x n, in standard deviations.
        others: Those of the second's m rows, couples x m, from the same origin and in the same unit.
        coarseness: What the codes of either cannot tell apart, in the same unit.
        least: By column of the second table which its least rows are, for `agreeing`.
    """

    firsts: Places
    seconds: Places
    unlike: NDArray[np.float64]
    ones: Floats
    others: Floats
    coarseness: Floats
    least: dict[int, Bits] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many couples there are."""
        return len(self.firsts)

    def agreeing(self, couple: int, tolerance: float) -> Bits:
        """Return which pairs of rows agree in one couple: n rows of m bits."""
        reach, numbers, least = self._reach(tolerance)[couple], self._sorted[couple], self._least(couple)
        # Ascending ones are found several times as quickly.
        order = self.ones[couple].argsort()
        ones = self.ones[couple][order]
        low, high = np.empty((2, len(order)), np.int64)
        low[order] = numbers.searchsorted(ones - reach, "left")
        high[order] = numbers.searchsorted(ones + reach, "right")
        # The numbers near to one are neighbours: those that are among the `high` least and not among the `low` least.
        return np.asarray(least[low] ^ least[high])

    def unpacked(self, bits: Bits) -> Bits:
        """Return `bits` as n x m numbers, 0 or 1."""
        return np.unpackbits(bits, axis=1, count=self.others.shape[1])

    def distances(self, ones: Places, others: Places) -> Floats:
        """Return how far apart so many pairs of rows are, couples x pairs, in standard deviations."""
        return np.asarray(np.abs(self.ones[:, ones] - self.others[:, others]))

    def within(self, distances: Floats, tolerance: float) -> Flags:
        """Return which of the `distances` are within `tolerance`."""
        return np.asarray(distances <= self._reach(tolerance)[:, np.newaxis])

    def chances(self, tolerance: float) -> NDArray[np.float64]:
        """Return the estimated share of the pairs of rows that agree, by couple."""
        sample, reach = self._sample, self._reach(tolerance)[:, np.newaxis]
        counts = [
            int(numbers.searchsorted(high, "right").sum()) - int(numbers.searchsorted(low, "left").sum())
            for numbers, low, high in zip(self._sorted, sample - reach, sample + reach, strict=True)
        ]
        return np.asarray(np.array(counts, np.float64) / (sample.shape[1] * self.others.shape[1]))

    def only(self, chosen: Places | Flags) -> "Couples":
        """Return the `chosen` couples."""
        return Couples(
            self.firsts[chosen],
            self.seconds[chosen],
            self.unlike[chosen],
            self.ones[chosen],
            self.others[chosen],
            self.coarseness[chosen],
            self.least,
        )

    def _reach(self, tolerance: float) -> Floats:
        return np.asarray(self.coarseness + np.float32(tolerance))

    def _least(self, couple: int) -> Bits:
        """Return which the k least of the second table's rows are in a column: m + 1 rows of m bits."""
        second = int(self.seconds[couple])
        if second not in self.least:
            places = np.empty(self.others.shape[1], np.uint16)
            places[np.argsort(self.others[couple], kind="stable")] = np.arange(len(places))
            self.least[second] = np.packbits(places < np.arange(len(places) + 1)[:, np.newaxis], axis=1)
        return self.least[second]

    @cached_property
    def _sorted(self) -> Floats:
        return np.sort(self.others, axis=1)

    @cached_property
    def _sample(self) -> Floats:
        # Each so many of the sorted numbers: their distribution, with less luck than drawing.
        return np.sort(self.ones, axis=1)[:, :: max(self.ones.shape[1] // _SAMPLE, 1)]


def likely_couples(first: Known, second: Known, rule: RowRule) -> Couples:
    """Return the couples of two tables' measured columns, of each column those that are most alike."""
    # Texts and grids are keys, which strangers share: that a copy kept them says nothing either.
    ones, others = np.flatnonzero(first.measured), np.flatnonzero(second.measured)
    unlike = _unlikeness(first, second, ones, others)
    unlike[unlike > rule.most_unlike] = np.inf
    places = np.argsort(np.argsort(unlike, axis=1, kind="stable"), axis=1, kind="stable")
    backwards = np.argsort(np.argsort(unlike, axis=0, kind="stable"), axis=0, kind="stable")
    chosen = np.isfinite(unlike) & ((places < rule.likeliest) | (backwards < rule.likeliest))
    rows, columns = np.nonzero(chosen)
    return couples_of(first, second, ones[rows], others[columns], unlike[rows, columns])


def couples_of(first: Known, second: Known, firsts: Places, seconds: Places, unlike: NDArray[np.float64]) -> Couples:
    """Return these couples of columns of two tables."""
    unit = np.minimum(first.spreads[firsts], second.spreads[seconds])[:, np.newaxis]
    origin = first.lows[firsts][:, np.newaxis]
    ones = ((first.numbers[firsts] - origin) / unit).astype(np.float32)
    others = ((second.numbers[seconds] - origin) / unit).astype(np.float32)
    ones[first.codes.T[firsts] == 0] = _ABSENT
    others[second.codes.T[seconds] == 0] = _ABSENT
    coarseness = (first.steps[firsts] + second.steps[seconds]) / unit[:, 0]
    return Couples(firsts, seconds, unlike, ones, others, np.asarray(coarseness, np.float32))


def _unlikeness(first: Known, second: Known, ones: Places, others: Places) -> NDArray[np.float64]:
    """Return how far the quantiles of columns are apart, on average, in standard deviations: ones x others."""
    one, other = first.spreads[ones][:, np.newaxis], second.spreads[others]
    wide, narrow = np.maximum(one, other), np.minimum(one, other)
    apart = np.abs(first.quantiles[ones][:, np.newaxis] - second.quantiles[others]).mean(axis=2) / wide
    return np.asarray(np.where(wide > _WIDER * narrow, np.inf, apart))
