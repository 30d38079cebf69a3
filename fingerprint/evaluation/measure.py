"""How well a generator recognises edited photographs, and how often it confuses different ones."""

from collections.abc import Iterable
from dataclasses import dataclass

from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.evaluation.pairs import Pairs

__all__ = ["Confusion", "Rate", "confusion", "rate"]


@dataclass(frozen=True, slots=True)
class Rate:
    """Of so many edited copies compared with their originals, how many are a match, and how many to be reviewed."""

    copies: int
    matches: int
    reviews: int
    lowest: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """Different photographs, each listed against all others as gallery.

    Attributes:
        pairs: Pairs of different photographs, each counted once.
        matching: How many of them are taken for a match.
        reviewed: How many of them are to be reviewed.
        listings: Photographs.
        refused: How many of them match any other: honest listings refused.
        delayed: How many of the others are to be reviewed because of any other.
        highest: The highest score of a pair.
    """

    pairs: int
    matching: int
    reviewed: int
    listings: int
    refused: int
    delayed: int
    highest: float


def rate(comparisons: Iterable[Comparison]) -> Rate:
    """Return the rate of matches among comparisons of copies with originals."""
    outcomes = list(comparisons)
    decisions = [outcome.decision for outcome in outcomes]
    lowest = min(outcome.score for outcome in outcomes)
    return Rate(len(outcomes), decisions.count("match"), decisions.count("review"), lowest)


def confusion(pairs: Pairs) -> Confusion:
    """Return how often different photographs are confused."""
    refused = pairs.matching > 0
    return Confusion(
        pairs=pairs.count,
        matching=int(pairs.matching.sum()) // 2,
        reviewed=int(pairs.reviewed.sum()) // 2,
        listings=len(pairs.matching),
        refused=int(refused.sum()),
        delayed=int(((pairs.reviewed > 0) & ~refused).sum()),
        highest=pairs.highest,
    )
