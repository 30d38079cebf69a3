"""Rows with the same key laid beside each other: what a table with other keys cannot be compared by."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np

from countermark.fingerprint.table import KINDS
from countermark.fingerprint.table.config import RowRule
from countermark.fingerprint.table.couples import Couples, Floats, Places
from countermark.fingerprint.table.tables import Known

__all__ = ["Aligned", "aligned_rows"]

_MOST_KEYS: Final = 6
"""Pairs of columns that are tried as keys."""

Key = tuple[Places, Places]
"""What is the same in rows with the same key, of the rows of either table; 0 is none."""

Aligned = tuple[int, int, int]
"""Rows that agree in all columns that are the same; rows with the same key; columns that are the same."""


def aligned_rows(first: Known, second: Known, couples: Couples, rule: RowRule) -> Aligned | None:
    """Return what tables have in common in the rows that have the same key, within the greatest tolerance.

    Strangers share keys, so it takes most of what was measured, not the keys: at the same hour, at the same place.
    """
    measured = min(int(first.measured.sum()), int(second.measured.sum()))
    needed = max(2, rule.aligned_columns * measured)
    if len(np.unique(couples.firsts)) < needed:
        return None
    tolerance = rule.tolerances[-1]
    for key in _keys(first, second):
        ones, others = _alone(*key)
        if len(ones) < rule.least_rows:
            continue
        distances = couples.distances(ones, others)
        agreeing = couples.within(distances, tolerance)
        likely = np.flatnonzero(agreeing.mean(axis=1) >= rule.aligned)
        if len(np.unique(couples.firsts[likely])) < needed:
            continue
        likely = likely[couples.only(likely).chances(tolerance) <= rule.greatest_chance]
        chosen = _each_once(couples.only(likely), np.median(distances[likely], axis=1))
        rows = int(agreeing[likely[chosen]].all(axis=0).sum())
        if len(chosen) >= needed and rows >= max(rule.least_rows, len(ones) / 2):
            return rows, len(ones), len(chosen)
    return None


def _each_once(couples: Couples, apart: Floats) -> list[int]:
    """Return the couples that are least `apart`, each column in one at most."""
    taken: tuple[set[int], set[int]] = (set(), set())
    chosen = []
    for at in np.argsort(apart, kind="stable"):
        first, second = int(couples.firsts[at]), int(couples.seconds[at])
        if first not in taken[0] and second not in taken[1]:
            taken[0].add(first)
            taken[1].add(second)
            chosen.append(int(at))
    return chosen


def _keys(first: Known, second: Known) -> Iterator[Key]:
    """Yield keys: a column that is not measured, or two."""
    keys: list[Key] = []
    for i, one in enumerate(first.columns):
        for j, other in enumerate(second.columns):
            alike = one.kind == other.kind and not (first.measured[i] and second.measured[j])
            if alike and len(keys) < _MOST_KEYS:
                key = _key(first, second, i, j)
                if np.intersect1d(*key).any():
                    keys.append(key)
    yield from keys
    for one_key, more in combinations(keys, 2):
        yield _both(one_key[0], more[0]), _both(one_key[1], more[1])


def _both(one: Places, other: Places) -> Places:
    return np.asarray(np.where((one != 0) & (other != 0), one << 32 | other, 0))


def _key(first: Known, second: Known, i: int, j: int) -> Key:
    ones, others = first.codes[:, i], second.codes[:, j]
    if KINDS[first.columns[i].kind] == "text":
        return ones, others
    numbers = np.concatenate([first.numbers[i], second.numbers[j]])
    order = np.argsort(numbers, kind="stable")
    # Neighbours are the same number where the codes of the tables cannot tell them apart.
    apart = np.diff(numbers[order], prepend=numbers[order[:1]]) > (first.steps[i] + second.steps[j]) / 2
    places = np.empty(len(numbers), np.int64)
    places[order] = np.cumsum(apart) + 1
    return np.where(ones == 0, 0, places[: len(ones)]), np.where(others == 0, 0, places[len(ones) :])


def _alone(ones: Places, others: Places) -> tuple[Places, Places]:
    """Return the pairs of rows whose key no other row of either table has."""
    single = []
    for keys in (ones, others):
        values, rows, counts = np.unique(keys, return_index=True, return_counts=True)
        chosen = (counts == 1) & (values != 0)
        single.append((values[chosen], rows[chosen]))
    _, one, other = np.intersect1d(single[0][0], single[1][0], assume_unique=True, return_indices=True)
    return single[0][1][one], single[1][1][other]
