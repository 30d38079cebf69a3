"""What comparing two files goes by: thresholds and their id, in one place."""

import math
from dataclasses import dataclass
from typing import Final

from countermark.fingerprint.comparison import Thresholds

__all__ = ["V1", "BytesConfig"]


@dataclass(frozen=True, slots=True)
class BytesConfig:
    """The thresholds of a generator's comparisons.

    Attributes:
        id: Recorded with every decision.
        thresholds: Of the share of one file that is in the other.
        little: Bytes in common up to which `little_share` is asked for: about as much the frames of a file format and
            the run-time of a compiler take in all files that they are in.
        little_hashes: Hashes in common up to which it is asked for: fewer measure a share badly.
        little_share: The share that is a match where so little is in common.
        least: Bytes in common without which nothing follows from a share.
        least_hashes: Hashes in common without which nothing follows either: large files have coarse samples.
        featureless: Bytes of different windows below which a file is featureless.
        stored_content: By how many hashes of its content a file is found again.
        stored_packed: By how many of its compressed bytes.
        candidates: With how many files at most one is compared.
        candidate_hashes: How many hashes these share with it at least.
    """

    id: str
    thresholds: Thresholds
    little: int
    little_hashes: int
    little_share: float
    least: int
    least_hashes: int
    featureless: int
    stored_content: int
    stored_packed: int
    candidates: int
    candidate_hashes: int

    @property
    def short_of_match(self) -> float:
        """The highest score that is not a match."""
        return math.nextafter(self.thresholds.match, 0)

    @property
    def short_of_review(self) -> float:
        """The highest score from which nothing follows."""
        return math.nextafter(self.thresholds.review, 0)


V1: Final = BytesConfig(
    id="bytes/v1+1",
    thresholds=Thresholds(match=0.3, review=0.1),
    little=1024,
    little_hashes=16,
    little_share=0.6,
    least=256,
    least_hashes=8,
    featureless=384,
    stored_content=512,
    stored_packed=128,
    candidates=50,
    candidate_hashes=2,
)
