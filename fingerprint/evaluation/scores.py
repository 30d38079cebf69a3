"""How often copies and strangers reach each score, and what follows for every threshold at once.

Scores are counted in steps of `STEP`: millions of comparisons take no more room than a few.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEP", "Counts", "Point", "Scores", "reaching"]

_BINS: Final = 10_000
STEP: Final = 1 / _BINS
"""The least difference of two scores that is kept apart."""

Counts = NDArray[np.int64]


def _none() -> Counts:
    return np.zeros(_BINS + 1, np.int64)


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold gives: whatever scores at least as much is taken for a copy.

    Attributes:
        threshold: 0 to 1.
        precision: Share of what is taken for a copy that is one; 1 where nothing is.
        recall: Share of the copies that are taken for one.
        false_positives: Share of the strangers that are taken for a copy, per pair.
    """

    threshold: float
    precision: float
    recall: float
    false_positives: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Counts of scores, of copies with their originals and of strangers; sums of them may be made anywhere."""

    copies: Counts = field(default_factory=_none)
    strangers: Counts = field(default_factory=_none)

    def add(self, scores: NDArray[np.float64], are_copies: NDArray[np.bool_]) -> None:
        """Count scores from 0 to 1, each of a copy or of a stranger."""
        # Rounded down, but for what binary fractions lack of decimal ones: a score reaches the threshold it equals.
        steps = (scores * _BINS + 1e-6).astype(np.int64)
        for counts, chosen in ((self.copies, are_copies), (self.strangers, ~are_copies)):
            counts += np.bincount(steps[chosen], minlength=_BINS + 1)

    def __add__(self, other: Self) -> "Scores":
        """Return the counts of both."""
        return Scores(self.copies + other.copies, self.strangers + other.strangers)

    def curve(self) -> list[Point]:
        """Return a point for each threshold from 0 to 1 in steps of `STEP`.

        Raises:
            ValueError: No copy, or no stranger, has been counted.
        """
        if not self.copies.any() or not self.strangers.any():
            raise ValueError("precision and recall take copies and strangers")
        found, wrong = reaching(self.copies), reaching(self.strangers)
        taken = np.maximum(found + wrong, 1)
        precision = np.where(found + wrong, found / taken, 1.0)
        columns = (np.arange(_BINS + 1) / _BINS, precision, found / found[0], wrong / wrong[0])
        return [Point(*(float(value) for value in row)) for row in zip(*columns, strict=True)]

    def at_recall(self, least: float) -> Point:
        """Return the point of the highest threshold whose recall is at least ``least`` (0 to 1)."""
        return max((point for point in self.curve() if point.recall >= least), key=_threshold)

    def at_false_positives(self, most: float) -> Point:
        """Return the point of the lowest threshold that takes at most the share ``most`` of strangers for copies.

        With 0 that is the first above every stranger; 1 where a stranger scores as much as an identical copy.
        """
        points = [point for point in self.curve() if point.false_positives <= most]
        return min(points, key=_threshold) if points else Point(1.0, 1.0, 0.0, 0.0)


def reaching(counts: Counts) -> Counts:
    """Return how many of the counted scores reach each threshold from 0 to 1 in steps of `STEP`."""
    return np.asarray(counts[::-1].cumsum()[::-1])


def _threshold(point: Point) -> Any:
    return point.threshold
