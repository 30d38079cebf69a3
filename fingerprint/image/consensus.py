"""What two pictures' corners agree on: a shift, scale and turn of the one onto the other that many of them support.

Every pair of corners with similar surroundings proposes such a map of its own, as each has a place, a size and a
direction; those that most others support are taken. So nothing is drawn at random, as in RANSAC (Fischler and Bolles
1981), and no order of the corners matters. Places are complex numbers: a scale and turn is one factor.
"""

from dataclasses import dataclass
from math import pi
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image import DIRECTIONS
from countermark.fingerprint.image.config import ConsensusRule
from countermark.fingerprint.image.corners import Corners

__all__ = ["Agreement", "agreements"]

Places = NDArray[np.complex128]

_REFINEMENTS: Final = 3
"""How often a map is fitted anew to the pairs of corners that it brings together."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A map of one picture onto another: a place z of the one lies at ``factor * z + shift`` in the other.

    Attributes:
        support: How many corners at different places support it.
        factor: The scale and turn.
        shift: Where the centre of the one lies, in the longer side of the other from its centre.
    """

    support: int
    factor: complex
    shift: complex


def agreements(ours: Corners, theirs: Corners, rule: ConsensusRule) -> list[Agreement]:
    """Return maps that the corners of two pictures agree on, the best supported first: `rule.most_maps` at most.

    A pattern that repeats itself supports several, of which one is right.
    """
    first, second = _alike(ours, theirs, rule)
    if len(first) < rule.least_support:
        return []
    a, b = ours.places[first], theirs.places[second]
    sizes = 2.0 ** (theirs.levels[second] / 2)
    cells = _cells(a, rule.place), _cells(b, rule.place)
    supports = _supports(ours, theirs, (first, second), rule)
    found: list[Agreement] = []
    open_proposals = np.ones(len(first), bool)
    counts = supports.sum(axis=1)
    for leader in np.argsort(-counts, kind="stable"):
        if len(found) == rule.most_maps or counts[leader] < rule.least_support:
            break
        if open_proposals[leader]:
            members = supports[leader]
            open_proposals &= ~members
            support = _different(cells[0][members])
            if support >= rule.least_support:
                support = min(support, _different(cells[1][members]))
            if support >= rule.least_support:
                found.append(Agreement(support, *_refined((a, b), cells[0], sizes, members, rule)))
    return sorted(found, key=lambda one: -one.support)


def _alike(ours: Corners, theirs: Corners, rule: ConsensusRule) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the pairs of corners whose surroundings resemble each other, the nearest of them."""
    differing = np.bitwise_count(ours.bits[:, np.newaxis, 0] ^ theirs.bits[:, 0])
    differing += np.bitwise_count(ours.bits[:, np.newaxis, 1] ^ theirs.bits[:, 1])
    first, second = np.nonzero(differing <= rule.bits)
    nearest = np.argsort(differing[first, second], kind="stable")[: rule.most_pairs]
    return first[nearest], second[nearest]


def _supports(
    ours: Corners, theirs: Corners, pairs: tuple[NDArray[np.int64], NDArray[np.int64]], rule: ConsensusRule
) -> NDArray[np.bool_]:
    """Return whether the map that each of the pairs proposes is supported by each: proposals x supporters."""
    first, second = pairs
    a, b = ours.places[first], theirs.places[second]
    steps = (theirs.levels[second] - ours.levels[first]).astype(np.int16)
    turns = (theirs.directions[second] - ours.directions[first]).astype(np.int16)
    turned = np.abs((turns[:, np.newaxis] - turns + DIRECTIONS // 2 & DIRECTIONS - 1) - DIRECTIONS // 2)
    alike = (turned <= rule.turn) & (np.abs(steps[:, np.newaxis] - steps) <= rule.steps)
    # Few of those of strangers are: only their places are looked at.
    leader, other = np.nonzero(alike)
    scales = 2.0 ** (steps / 2)
    factors = scales * np.exp(2j * pi / DIRECTIONS * turns)
    # A proposal maps its own corner exactly; others are off by the more the farther they are from it.
    apart = a[other] - a[leader]
    error = b[other] - b[leader] - factors[leader] * apart
    reach = rule.place * 2.0 ** (theirs.levels[second] / 2)
    allowed = reach[other] + rule.drift * scales[leader] * np.sqrt(_squares(apart))
    alike[leader, other] = _squares(error) <= allowed * allowed
    return np.asarray(alike)


def _squares(places: Places) -> NDArray[np.float64]:
    """Return the squares of the absolute values, without their roots, which take longest."""
    return np.asarray(places.real * places.real + places.imag * places.imag)


def _cells(places: Places, side: float) -> Places:
    """Return the squares that the places lie in: those in one count once."""
    return np.asarray(np.floor(places.real / side) + 1j * np.floor(places.imag / side))


def _different(cells: Places) -> int:
    return len(set(cells.tolist()))


def _refined(
    pairs: tuple[Places, Places],
    cells: Places,
    sizes: NDArray[np.float64],
    members: NDArray[np.bool_],
    rule: ConsensusRule,
) -> tuple[complex, complex]:
    """Return the factor and shift that fit pairs of places: first `members`, then all that these bring together.

    At `cells` lie the first of the pairs.
    """
    a, b = pairs
    weights = sizes**-2.0
    factor, shift = _fitted(a[members], b[members], weights[members])
    for _ in range(_REFINEMENTS):
        near = np.abs(factor * a + shift - b) <= rule.place / 2 * sizes
        if _different(cells[near]) < rule.least_support:
            break
        factor, shift = _fitted(a[near], b[near], weights[near])
    return factor, shift


def _fitted(a: Places, b: Places, weights: NDArray[np.float64]) -> tuple[complex, complex]:
    """Return the factor and shift that bring `a` nearest to `b` (Umeyama 1991)."""
    shares = weights / weights.sum()
    middle_a, middle_b = (a * shares).sum(), (b * shares).sum()
    from_a, from_b = a - middle_a, b - middle_b
    factor = (from_a.conj() * from_b * shares).sum() / max(float((np.abs(from_a) ** 2 * shares).sum()), 1e-12)
    return complex(factor), complex(middle_b - factor * middle_a)
