"""Describing a column: what it holds, how its values are spread, and whether other tables have them by nature."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.table import KINDS, LAST_CODE, QUANTILES, Column
from countermark.fingerprint.table.cells import MISSING, Cells
from countermark.fingerprint.table.counted import Counted, CountingSampler

__all__ = ["ColumnSketch", "codes_of", "effective_number"]

_MOST_VALUES: Final = 512
"""Different values of a column that are kept while it is read."""

_MOST_COUNT: Final = (1 << 32) - 1

_MILLIONTH: Final = 1e6
_WHOLE: Final = 1e-3
"""How near to a whole number of millionths a number is that lies on a grid."""

_LARGEST: Final = 9e9
"""Numbers beyond are not multiplied by a million: their digits would not fit."""

_MINUTE: Final = 60_000_000
"""Microseconds. Times that are all on whole minutes are those of a clock, not of events."""

_FEWEST: Final = 3
"""Values of which a grid can be told."""

_SPARSEST: Final = 16
"""Places of a grid for each value, at most, that a table with each value equally often was taken from it."""


class ColumnSketch:
    """Sees the cells of a column go by, and describes the column."""

    def __init__(self) -> None:
        self._values = CountingSampler(_MOST_VALUES)
        self._rows = self._present = self._numbers = self._dates = 0
        self._low, self._high = np.inf, -np.inf
        self._origin = self._sum = self._squares = 0.0

    def add(self, cells: Cells) -> None:
        """Take in some cells."""
        present = cells.hashes != MISSING
        self._rows += len(cells)
        self._present += int(present.sum())
        numbers = ~np.isnan(cells.values)
        self._numbers += int(numbers.sum())
        self._dates += int(cells.dates.sum())
        if numbers.any():
            self._spread(cells.values[numbers])
            self._low = min(self._low, float(np.nanmin(cells.values)))
            self._high = max(self._high, float(np.nanmax(cells.values)))
        chosen = present & (cells.hashes <= self._values.bound)
        self._values.add(cells.hashes[chosen], cells.values[chosen])

    def _deviation(self) -> float:
        mean = self._sum / self._numbers
        return float(np.sqrt(max(self._squares / self._numbers - mean * mean, 0.0)))

    def _spread(self, values: NDArray[np.float64]) -> None:
        if not np.isfinite(self._low):
            # Sums of differences from some value of the column lose few digits.
            self._origin = float(values[0])
        values = values - self._origin
        self._sum += sum_in_halves(values)
        self._squares += sum_in_halves(values * values)

    def column(self) -> Column:
        """Return the description of the column whose cells were added."""
        values = self._values.counted()
        numeric = 2 * self._numbers > self._present
        kind = 0 if not numeric else 2 if 2 * self._dates > self._numbers else 1
        low, high = (self._low, self._high) if numeric else (0.0, 0.0)
        numbers = values.chosen(~np.isnan(values.values))
        return Column(
            kind,
            int(numeric and _is_grid(numbers, dates=KINDS[kind] == "date")),
            (self._rows - self._present) * 255 // max(self._rows, 1),
            min(len(values) << values.level, _MOST_COUNT),
            effective_number(values, self._present),
            low,
            high,
            self._deviation() if numeric else 0.0,
            _quantiles(numbers, low, high) if numeric else (0,) * QUANTILES,
        )


def sum_in_halves(values: NDArray[np.float64]) -> float:
    """Return the sum of `values`, added in an order that depends on no processor."""
    while len(values) > 1:
        half = (len(values) + 1) // 2
        values = np.append(values[: len(values) - half] + values[half:], values[len(values) - half : half])
    return float(values[0]) if len(values) else 0.0


def codes_of(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.int64]:
    """Return where `values` are between `low` and `high`, 0 to 65,535."""
    if not low < high:
        return np.zeros(len(values), np.int64)
    return np.asarray(np.rint((values - low) / (high - low) * LAST_CODE).clip(0, LAST_CODE).astype(np.int64))


def effective_number(values: Counted, present: int) -> int:
    """Return how many pairs of cells there are for each pair of equal ones; where none are equal, for one such."""
    equal = sum(int(count) * (int(count) - 1) for count in values.counts) << values.level
    return min(max(present * (present - 1) // max(equal, 2), 1), _MOST_COUNT)


def _quantiles(values: Counted, low: float, high: float) -> tuple[int, ...]:
    if not len(values):
        # None of the few different numbers is in the sample.
        return (0,) * QUANTILES
    order = np.argsort(values.values, kind="stable")
    ends = np.cumsum(values.counts[order])
    ranks = (np.arange(1, QUANTILES + 1) * ends[-1]) // (QUANTILES + 1)
    places = np.searchsorted(ends, ranks, side="right").clip(0, len(order) - 1)
    return tuple(int(code) for code in codes_of(values.values[order][places], low, high))


def _is_grid(values: Counted, *, dates: bool) -> bool:
    """Return whether `values` are taken from equal steps: all of them, or each equally often."""
    if len(values) < _FEWEST:
        return False
    steps = _steps(values.values, dates=dates)
    if steps is None:
        return False
    step = int(np.gcd.reduce(steps))
    if dates and step % _MINUTE == 0:
        return True
    places = int(steps.max()) // step + 1
    equally = int(values.counts.min()) == int(values.counts.max())
    return equally and places <= (len(values) << values.level) * _SPARSEST


def _steps(values: NDArray[np.float64], *, dates: bool) -> NDArray[np.int64] | None:
    """Return how far `values` are from the least one, in microseconds or millionths; None if that is not whole."""
    if dates:
        whole = values.astype(np.int64)
    else:
        scaled = values * _MILLIONTH
        if np.abs(values).max() > _LARGEST or np.abs(scaled - np.rint(scaled)).max() > _WHOLE:
            return None
        whole = np.rint(scaled).astype(np.int64)
    return np.asarray(whole - whole.min())
