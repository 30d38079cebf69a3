"""How well a similarity tells copies from strangers: precision and recall by threshold, and what they are read at."""

from dataclasses import dataclass, field
from typing import Final

from countermark.fingerprint.evaluation.edits import Strength
from countermark.fingerprint.evaluation.scores import Point, Scores

__all__ = ["FALSE_POSITIVES", "PAPER_RECALL", "Figures", "Found"]

FALSE_POSITIVES: Final = {"0": 0.0, "1e-6": 1e-6, "1e-5": 1e-5, "1e-4": 1e-4}
"""Rates per pair of strangers at which recall is told."""

PAPER_RECALL: Final = 0.95
"""The recall at which the paper tells its precision."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How well one similarity finds copies among strangers.

    Attributes:
        copies: Pairs of an original and its copy.
        strangers: Pairs of an original and another's copy.
        at_recall_95: The highest threshold that finds 95 % of the copies.
        at_false_positives: By rate (`FALSE_POSITIVES`), the lowest threshold that takes no more strangers for copies.
        curve: All thresholds.
    """

    copies: int
    strangers: int
    at_recall_95: Point
    at_false_positives: dict[str, Point]
    curve: list[Point] = field(repr=False)

    @classmethod
    def of(cls, scores: Scores) -> "Figures":
        """Return the figures of `scores`."""
        return cls(
            copies=int(scores.copies.sum()),
            strangers=int(scores.strangers.sum()),
            at_recall_95=scores.at_recall(PAPER_RECALL),
            at_false_positives={name: scores.at_false_positives(most) for name, most in FALSE_POSITIVES.items()},
            curve=scores.curve(),
        )

    def beats(self, other: "Figures") -> bool:
        """Return whether precision at recall 95 % is higher, or as high and more is found without strangers."""
        return self._rank() > other._rank()

    def _rank(self) -> tuple[float, float]:
        return self.at_recall_95.precision, self.at_false_positives["0"].recall


@dataclass(frozen=True, slots=True)
class Found:
    """How one strength's copies were found.

    Attributes:
        strength: The strength.
        score: By the generator's score.
        at_match: By the score at the generator's own match threshold.
        features: By each of the generator's features alone, where it is a plain sum of them.
        peers: By each hash that others publish, where they were asked for.
    """

    strength: Strength
    score: Figures
    at_match: Point
    features: dict[str, Figures]
    peers: dict[str, Figures]

    def better_features(self) -> list[str]:
        """Return the features that beat the score, which is their combination."""
        return [name for name, figures in self.features.items() if figures.beats(self.score)]

    def equal_features(self) -> list[str]:
        """Return the features of which neither beats the other, they or the score."""
        better = self.better_features()
        return [name for name, one in self.features.items() if name not in better and not self.score.beats(one)]
