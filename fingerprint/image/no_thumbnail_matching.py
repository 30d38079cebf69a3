"""Comparing corners of which nobody knows the places: how many resemble each other and agree on one turn and size.

Every pair of corners with like surroundings proposes a turn and a size of the one picture, or of its mirror image,
against the other. Those of strangers propose any; those of a copy the same. So the evidence on two pictures is the
most that pairs within one window of turns and sizes have, where

* a pair has the more, the fewer bits differ, up to 1;
* a corner counts once, by its best pair, in the picture that has fewer of them;
* a corner that resembles others of its own picture counts as much less: bricks and letters are alike anywhere;
* a corner on mostly plain ground does not count: those of drawings are alike.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image import DESCRIPTOR_BITS, DIRECTIONS, UNPLACED_LEVELS
from countermark.fingerprint.image.config import UnplacedConfig
from countermark.fingerprint.image.corners import Corners

__all__ = ["Described", "Evidence", "evidence"]

_STEPS: Final = 2 * UNPLACED_LEVELS - 1
"""Differences in size, from one end of the levels to the other."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for two pictures' being copies.

    Attributes:
        weight: In corners of which no bit differs and that resemble no others.
        corners: How many corners of the picture that has fewer of them agree.
    """

    weight: float = 0.0
    corners: int = 0


@dataclass(frozen=True)
class Described:
    """The corners of a picture, and how much each of them is worth, 0 to 1."""

    corners: Corners
    worth: NDArray[np.float64]

    @classmethod
    def of(cls, corners: Corners, config: UnplacedConfig) -> "Described":
        """Return `corners`, each worth the less, the more of them it resembles, and nothing on plain ground."""
        alike = (_differing(corners, corners) <= config.bits).sum(axis=1)
        ones = np.bitwise_count(corners.bits).sum(axis=1)
        return cls(corners, (ones >= config.least_ones) / alike)

    def mirrored(self) -> "Described":
        """Return those of the picture mirrored left to right."""
        return Described(self.corners.mirrored(), self.worth)

    @property
    def weight(self) -> float:
        """The evidence that an identical picture would have."""
        return float(self.worth.sum())


def evidence(ours: Described, theirs: Described, config: UnplacedConfig) -> Evidence:
    """Return what speaks for the one picture's being a copy of the other; the same both ways round."""
    ways = (_upright(one, theirs, config) for one in (ours, ours.mirrored()))
    return max(ways, key=lambda found: (found.weight, found.corners))


def _upright(ours: Described, theirs: Described, config: UnplacedConfig) -> Evidence:
    differing = _differing(ours.corners, theirs.corners)
    counted = (ours.worth > 0)[:, np.newaxis] & (theirs.worth > 0)
    first, second = np.nonzero((differing <= config.bits) & counted)
    alike = 1 - differing[first, second] / (config.bits + 2)
    weights = alike * alike * np.minimum(ours.worth[first], theirs.worth[second])
    # Most strangers have too little whatever turns it proposes; and the weights of one side are never the lesser.
    if weights.sum() < config.least_weight:
        return Evidence()
    turns = (theirs.corners.directions[second] - ours.corners.directions[first]) % DIRECTIONS
    steps = theirs.corners.levels[second] - ours.corners.levels[first] + UNPLACED_LEVELS - 1
    sides = [_by_window(corner, turns, steps, weights, config) for corner in (first, second)]
    sums = np.minimum(*(side.sum(axis=0) for side in sides))
    turn, step = np.unravel_index(sums.argmax(), sums.shape)
    return Evidence(float(sums[turn, step]), min(int((side[:, turn, step] > 0).sum()) for side in sides))


def _differing(ours: Corners, theirs: Corners) -> NDArray[np.int64]:
    differing = np.zeros((len(ours), len(theirs)), np.int64)
    for word in range(DESCRIPTOR_BITS // 64):
        differing += np.bitwise_count(ours.bits[:, np.newaxis, word] ^ theirs.bits[:, word])
    return differing


def _by_window(
    corners: NDArray[np.int64],
    turns: NDArray[np.int64],
    steps: NDArray[np.int64],
    weights: NDArray[np.float64],
    config: UnplacedConfig,
) -> NDArray[np.float64]:
    """Return the best weight of each of `corners` that has one in each window: corners x turns x steps."""
    which, rows = np.unique(corners, return_inverse=True)
    best = np.zeros((len(which), DIRECTIONS, _STEPS))
    np.maximum.at(best, (rows, turns, steps), weights)
    around = np.max([np.roll(best, turn, axis=1) for turn in range(-config.turn, config.turn + 1)], axis=0)
    padded = np.pad(around, ((0, 0), (0, 0), (config.steps, config.steps)))
    return np.asarray(np.max([padded[:, :, step : step + _STEPS] for step in range(2 * config.steps + 1)], axis=0))
