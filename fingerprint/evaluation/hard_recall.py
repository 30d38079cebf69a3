"""Recall of hard attacks by several similarities, each at its own threshold of the same false positive rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.evaluation.figures import FALSE_POSITIVES
from countermark.fingerprint.evaluation.methods import Kept, Method
from countermark.fingerprint.evaluation.scores import Counts, Scores

__all__ = ["HardRecall", "hard_recall", "own_similarities"]

_MOST: Final = FALSE_POSITIVES["1e-6"]
"""False positives per pair of different photographs that a threshold may have."""


@dataclass(frozen=True, slots=True)
class HardRecall:
    """What one similarity finds of hard attacks.

    Attributes:
        threshold: The lowest that takes at most one in a million of the pairs of different photographs for copies.
        recall: Share of copies that reach it, by attack.
    """

    threshold: float
    recall: dict[str, float]


def hard_recall(attacks: Sequence[str], strangers: Counts, similarities: NDArray[np.float64]) -> HardRecall:
    """Return the recall of each of `attacks`, at least one, of which `similarities` has a column for each.

    Args:
        attacks: Their names.
        strangers: Counts of the similarities of different photographs.
        similarities: Of each photograph (rows) with its copies.
    """
    threshold, recall = 1.0, {}
    for name, column in zip(attacks, similarities.T, strict=True):
        scores = Scores(strangers=strangers.copy())
        scores.add(column, np.ones(len(column), bool))
        point = scores.at_false_positives(_MOST)
        threshold, recall[name] = point.threshold, point.recall
    return HardRecall(threshold, recall)


def own_similarities(
    method: Method[Kept], originals: Sequence[Kept], attacked: Sequence[Sequence[Kept]]
) -> Mapping[str, NDArray[np.float64]]:
    """Return, by similarity, how similar each original (rows) is to its own copies (columns)."""
    rows = [method.search(copies)(original) for original, copies in zip(originals, attacked, strict=True)]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
