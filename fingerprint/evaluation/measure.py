"""How well a generator recognises edited photographs, and how often it confuses different ones.

Figures are per pair and per listing: a gate compares a new listing with every registered item, so a rate per pair
that looks small refuses many honest listings once the gallery is large.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.operations import compare_many

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


def confusion(photos: Sequence[Fingerprint]) -> Confusion:
    """Return how often different photographs are confused; `photos` must hold no two of the same."""
    matching = reviewed = 0
    highest = 0.0
    worst = ["different"] * len(photos)
    for index, photo in enumerate(photos):
        for other, outcome in enumerate(compare_many(photo, photos[:index])):
            highest = max(highest, outcome.score)
            if outcome.decision == "match":
                matching += 1
                worst[index] = worst[other] = "match"
            elif outcome.decision == "review":
                reviewed += 1
                worst[index], worst[other] = (
                    place if place == "match" else "review" for place in (worst[index], worst[other])
                )
    count = len(photos)
    return Confusion(
        count * (count - 1) // 2, matching, reviewed, count, worst.count("match"), worst.count("review"), highest
    )
