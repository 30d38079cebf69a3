"""Which column is which: rows are taken for the same that agree in many columns, and say it of the others.

All pairs of rows are looked at in a few columns only, and in the others those that agree most in these.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.table.config import RowRule
from countermark.fingerprint.table.couples import Couples, Places

__all__ = ["same_columns"]

_FIRST_LOOK: Final = 6
"""Columns of the first table in which all pairs of rows are looked at: beyond, some agree in all by no chance."""

_LOOKS: Final = 2
"""Columns of the second table that are tried for each in this first look."""

_LIKELY_PAIRS: Final = 1024
"""Pairs of rows that are looked at in all columns."""

_SAYS_LITTLE: Final = 0.5
"""A column in which more of all pairs agree says one bit all the same: together with others it tells."""


def same_columns(couples: Couples, tolerance: float, rule: RowRule) -> Places:
    """Return the couples on which the rows that agree most agree, each column in one at most."""
    chances = couples.chances(tolerance)
    telling = np.flatnonzero(chances <= rule.greatest_chance)
    if len(np.unique(couples.firsts[telling])) < 2:
        return telling[:0]
    some, chances = couples.only(telling), chances[telling]
    columns = _columns(some, chances)
    ones, others = _likely_pairs(some, columns[:_FIRST_LOOK], tolerance)
    flags = some.within(some.distances(ones, others), tolerance)
    bits = -np.log2(np.maximum(chances, 1 / (some.ones.shape[1] * some.others.shape[1])))[:, np.newaxis]
    scores = np.zeros(len(ones))
    for places, _ in columns:
        scores += (flags[places] * bits[places]).max(axis=0)
    votes = flags[:, _voters(ones, others, scores)[: rule.voters]].mean(axis=1)
    taken: tuple[set[int], set[int]] = (set(), set())
    chosen = []
    for at in np.lexsort((chances, -votes)):
        first, second = int(some.firsts[at]), int(some.seconds[at])
        if votes[at] >= rule.least_votes and first not in taken[0] and second not in taken[1]:
            taken[0].add(first)
            taken[1].add(second)
            chosen.append(at)
    return telling[chosen]


def _columns(couples: Couples, chances: NDArray[np.float64]) -> list[tuple[Places, int]]:
    """Return the couples of each column of the first table, and what it says, in bits, that a pair agrees in any.

    Those come first that are most like one of the second's.
    """
    least = 1 / (couples.ones.shape[1] * couples.others.shape[1])
    order = np.argsort(couples.unlike, kind="stable")
    columns = []
    # dict.fromkeys keeps the first of each.
    for first in dict.fromkeys(couples.firsts[order].tolist()):
        places = order[couples.firsts[order] == first]
        chance = float(np.clip(chances[places].sum(), least, _SAYS_LITTLE))
        columns.append((places, round(-np.log2(chance))))
    return columns


def _likely_pairs(couples: Couples, columns: Sequence[tuple[Places, int]], tolerance: float) -> tuple[Places, Places]:
    """Return the pairs of rows that agree most in these few `columns`."""
    shape = couples.ones.shape[1], couples.others.shape[1]
    scores = np.zeros(shape, np.uint8)
    for places, bits in columns:
        agreeing = couples.agreeing(int(places[0]), tolerance)
        for couple in places[1:_LOOKS]:
            agreeing |= couples.agreeing(int(couple), tolerance)
        # Six columns of at most 20 bits, those of all pairs of the rows of two fingerprints: no sum overflows.
        scores += couples.unpacked(agreeing) * np.uint8(bits)
    flat = scores.reshape(-1)
    low, high = 0, sum(bits for _, bits in columns)
    while low < high:
        middle = (low + high) // 2
        if np.count_nonzero(flat > middle) <= _LIKELY_PAIRS:
            high = middle
        else:
            low = middle + 1
    chosen = np.flatnonzero(flat > low)
    if len(chosen) < _LIKELY_PAIRS:
        chosen = np.append(chosen, np.flatnonzero(flat == low)[: _LIKELY_PAIRS - len(chosen)])
    ones, others = np.divmod(chosen, shape[1])
    return ones, others


def _voters(ones: Places, others: Places, scores: NDArray[np.float64]) -> Places:
    """Return the best pair of each row of either table, those that agree most first."""
    order = np.argsort(-scores, kind="stable")
    best = np.concatenate([order[np.unique(side[order], return_index=True)[1]] for side in (ones, others)])
    return np.asarray(best[np.argsort(-scores[best], kind="stable")])
