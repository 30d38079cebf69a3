"""Comparing two tables by their extreme rows, within a tolerance: what rounding and noise leave.

Which column is which is not known. So rows are first taken for the same that agree in many columns, whichever they
are; what these rows say of the columns is a mapping; and then the rows that agree in the mapped columns are counted,
against how many would by chance.
"""

from dataclasses import dataclass

import numpy as np

from countermark.fingerprint.table.aligned import aligned_rows
from countermark.fingerprint.table.config import V1_ROWS, RowRule
from countermark.fingerprint.table.couples import Couples, Places, couples_of, likely_couples
from countermark.fingerprint.table.tables import Known
from countermark.fingerprint.table.voting import same_columns

__all__ = ["RowAgreement", "row_agreement"]


@dataclass(frozen=True, slots=True)
class RowAgreement:
    """What two tables have in common within a tolerance.

    Attributes:
        rows: Kept rows of either that agree with one of the other's.
        by_chance: How many would if the tables were unrelated.
        possible: Kept rows of the table with fewer.
        columns: How many columns agree.
        tolerance: Within how many standard deviations.
    """

    rows: int
    by_chance: float
    possible: int
    columns: int
    tolerance: float


def row_agreement(first: Known, second: Known, rule: RowRule = V1_ROWS) -> RowAgreement | None:
    """Return what two tables have in common within the least tolerance that tells; None if that is nothing."""
    if min(len(first.codes), len(second.codes)) < rule.least_rows:
        return None
    if _later(first, second):
        # Some steps treat the two differently: whichever is the query, the decision is one.
        first, second = second, first
    couples = likely_couples(first, second, rule)
    if min(len(np.unique(couples.firsts)), len(np.unique(couples.seconds))) < 2:
        return None
    for tolerance in rule.tolerances:
        found = _within(first, second, couples, tolerance, rule)
        if found is not None:
            return found
    aligned = aligned_rows(first, second, couples, rule)
    if aligned is None:
        return None
    rows, possible, columns = aligned
    return RowAgreement(rows, 0.0, possible, columns, rule.tolerances[-1])


def _later(first: Known, second: Known) -> bool:
    """Return whether the second table is to be taken first: the one with fewer columns is."""
    one, other = (len(first.columns), len(first.codes)), (len(second.columns), len(second.codes))
    return one > other or (one == other and first.codes.tobytes() > second.codes.tobytes())


def _within(first: Known, second: Known, couples: Couples, tolerance: float, rule: RowRule) -> RowAgreement | None:
    """Return what two tables have in common within `tolerance`, or None."""
    same = same_columns(couples, tolerance, rule)
    if len(same) < 2:
        return None
    mapped = couples.only(same)
    needed = len(mapped) - int(len(mapped) * rule.may_differ)
    count = np.zeros((len(first.codes), len(second.codes)), np.uint8)
    chances = []
    for couple in range(len(mapped)):
        flags = mapped.unpacked(mapped.agreeing(couple, tolerance))
        chances.append(max(int(np.count_nonzero(flags)), 1) / flags.size)
        count += flags
    if -np.log2(chances).sum() < rule.least_bits:
        return None
    hits = np.asarray(count >= needed)
    rows = int(min(hits.any(axis=0).sum(), hits.any(axis=1).sum()))
    by_chance = hits.size * _tail(chances, needed)
    if rows < max(rule.least_rows, rule.least_ratio * by_chance):
        return None
    own = max(
        _own(first, mapped.firsts, tolerance, needed),
        _own(second, mapped.seconds, tolerance, needed),
    )
    by_chance = max(by_chance, own * hits.size)
    if rows < max(rule.least_rows, rule.least_ratio * by_chance):
        return None
    return RowAgreement(rows, by_chance, min(hits.shape), len(mapped), tolerance)


def _tail(chances: list[float], needed: int) -> float:
    """Return the chance that `needed` of independent events happen at least."""
    exactly = np.zeros(len(chances) + 1)
    exactly[0] = 1.0
    for chance in chances:
        exactly[1:] = exactly[1:] * (1 - chance) + exactly[:-1] * chance
        exactly[0] *= 1 - chance
    return float(exactly[needed:].sum())


def _own(known: Known, columns: Places, tolerance: float, needed: int) -> float:
    """Return how often two different rows of a table agree in `columns`: what is near by nature counts as chance."""
    couples = couples_of(known, known, columns, columns, np.zeros(len(columns)))
    count = np.zeros((len(known.codes),) * 2, np.uint8)
    for couple in range(len(couples)):
        count += couples.unpacked(couples.agreeing(couple, tolerance))
    pairs = len(count) * (len(count) - 1)
    return float(((count >= needed).sum() - len(count)) / max(pairs, 1))
