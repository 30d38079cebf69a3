"""How often a generator confuses different photographs."""

from dataclasses import dataclass

from countermark.fingerprint.evaluation.pairs import Pairs

__all__ = ["Confusion", "confusion"]


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
