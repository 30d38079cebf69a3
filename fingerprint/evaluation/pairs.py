"""Different photographs compared with each other, each pair once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.evaluation.methods import Kept, Method
from countermark.fingerprint.evaluation.scores import Counts, Scores
from countermark.fingerprint.evaluation.search import Searched

__all__ = ["Pairs", "pairs_of", "stranger_scores"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Different photographs, each compared with all others.

    Attributes:
        scores: Counts of the scores of pairs, in steps of `STEP`.
        highest: The highest score.
        matching: Of each photograph, how many others it matches.
        reviewed: Of each photograph, because of how many others it is to be reviewed.
    """

    scores: Counts
    highest: float
    matching: NDArray[np.int64]
    reviewed: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many pairs there are."""
        return int(self.scores.sum())


def pairs_of(photos: Sequence[Fingerprint]) -> Pairs:
    """Return how the photographs of these fingerprints, one at least, compare; no two may be of the same.

    A pair that the index leaves out has the score 0.
    """
    count, searched = len(photos), Searched(photos[0].generator, photos)
    outcomes = {
        (min(one, other), max(one, other)): outcome
        for one, photo in enumerate(photos)
        for other, outcome in searched.find(photo).items()
        if one != other
    }
    scores = np.zeros(count * (count - 1) // 2)
    scores[: len(outcomes)] = [outcome.score for outcome in outcomes.values()]
    counted = Scores()
    counted.add(scores, np.zeros(len(scores), bool))
    decided = {decision: np.zeros(count, np.int64) for decision in ("match", "review", "different")}
    for pair, outcome in outcomes.items():
        decided[outcome.decision][list(pair)] += 1
    return Pairs(counted.strangers, float(scores.max(initial=0.0)), decided["match"], decided["review"])


def stranger_scores(method: Method[Kept], photos: Sequence[Kept]) -> dict[str, Scores]:
    """Return the scores of all pairs of different photographs by each of the method's similarities."""
    found: dict[str, Scores] = {}
    for index, photo in enumerate(photos[1:], start=1):
        for name, similarities in method.search(photos[:index])(photo).items():
            found.setdefault(name, Scores()).add(similarities, np.zeros(index, bool))
    return found
