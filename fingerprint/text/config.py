"""The numbers by which ``text/v1`` decides: versioned, with an id that goes with every decision.

A published id never changes its numbers. How they were calibrated: docs/fingerprints.md.
"""

from dataclasses import dataclass
from typing import Final

from countermark.fingerprint.comparison import Thresholds

__all__ = ["SHORT_OF_THRESHOLD", "V1", "PassageRule", "TextConfig"]

SHORT_OF_THRESHOLD: Final = 0.01
"""How far below a threshold a score is kept that too few hashes support."""


@dataclass(frozen=True, slots=True)
class PassageRule:
    """When what two texts share is passages only, for a person to look at.

    Attributes:
        most: How many passages.
        shingles: They have fewer together, in the whole text.
        share: They are a smaller share of the smaller text.
        elsewhere: Of what is left of it, a smaller share is shared.
    """

    most: int
    shingles: int
    share: float
    elsewhere: float


@dataclass(frozen=True, slots=True)
class TextConfig:
    """How what two texts have in common becomes a decision.

    Attributes:
        id: Names these numbers for ever.
        thresholds: Of the share of either text that is in the other.
        forgiven: Shingles that two texts may share without resembling each other: a quotation, a form of address.
        least_shingles: Of a text that has fewer no copy is known.
        match_hits: Hashes that samples must share for a match.
        review_hits: Hashes that they must share to be reviewed.
        passages: When a match is none.
        stored: Hashes of each text by which the index finds it, the smallest.
        least_shared: Hashes that a candidate shares at least.
        most_holders: Texts that may have a hash by which others are looked for.
    """

    id: str
    thresholds: Thresholds
    forgiven: int
    least_shingles: int
    match_hits: int
    review_hits: int
    passages: PassageRule
    stored: int
    least_shared: int
    most_holders: int


V1: Final = TextConfig(
    id="text/v1+1",
    thresholds=Thresholds(match=0.17, review=0.1),
    forgiven=20,
    least_shingles=32,
    match_hits=12,
    review_hits=6,
    passages=PassageRule(most=4, shingles=90, share=0.5, elsewhere=0.1),
    stored=1024,
    least_shared=2,
    most_holders=1000,
)
