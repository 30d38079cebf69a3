"""Which rows of two tables agree: quickly found, and the same as by looking at each pair."""

import io
from dataclasses import replace

import numpy as np
import pytest

from countermark.fingerprint import compute
from countermark.fingerprint.evaluation.kinds.made_tables import made_table
from countermark.fingerprint.table.aligned import aligned_rows
from countermark.fingerprint.table.config import V1_ROWS
from countermark.fingerprint.table.couples import likely_couples
from countermark.fingerprint.table.matching import _in_both
from countermark.fingerprint.table.robust import row_agreement
from countermark.fingerprint.table.tables import Known
from countermark.fingerprint.table.voting import same_columns

FAMILIES = ("sensor", "shop", "geodata", "laboratory")


def known(family: str, seed: int) -> Known:
    return Known.of(compute(io.BytesIO(made_table(family, seed, 150)), "table/v1"))


def with_gaps(table: Known) -> Known:
    """Return a table in which every seventh cell is missing."""
    codes = table.codes.copy()
    codes.reshape(-1)[::7] = 0
    return replace(table, codes=codes)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tolerance", V1_ROWS.tolerances)
def test_bits_say_what_distances_say_of_each_pair_of_rows(family: str, tolerance: float) -> None:
    first, second = with_gaps(known(family, 1)), with_gaps(known(family, 2))
    couples = likely_couples(first, second, V1_ROWS)
    ones, others = (at.reshape(-1) for at in np.indices((len(first.codes), len(second.codes))))
    within = couples.within(couples.distances(ones, others), tolerance)
    for couple in range(len(couples)):
        found = couples.unpacked(couples.agreeing(couple, tolerance)).reshape(-1) == 1
        # The two round differently: a pair at the very edge may be on either side of it.
        assert np.count_nonzero(found != within[couple]) <= len(found) / 10_000
    assert np.allclose(couples.chances(tolerance), within.mean(axis=1), rtol=0.05, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_column_of_a_table_is_itself(family: str) -> None:
    table = known(family, 3)
    couples = likely_couples(table, table, V1_ROWS)
    for tolerance in V1_ROWS.tolerances:
        mapped = couples.only(same_columns(couples, tolerance, V1_ROWS))
        assert len(mapped) >= 2
        assert mapped.firsts.tolist() == mapped.seconds.tolist()


def test_strangers_with_the_same_key_are_not_aligned_and_a_table_with_itself_is() -> None:
    first, second = known("sensor", 1), known("sensor", 2)
    assert aligned_rows(first, second, likely_couples(first, second, V1_ROWS), V1_ROWS) is None
    rows, possible, columns = aligned_rows(first, first, likely_couples(first, first, V1_ROWS), V1_ROWS)
    assert rows == possible >= V1_ROWS.least_rows
    assert columns == int(first.measured.sum())


@pytest.mark.parametrize("family", FAMILIES)
def test_which_table_comes_first_changes_nothing(family: str) -> None:
    first, second = known(family, 1), with_gaps(known(family, 1))
    found = row_agreement(first, second)
    assert found is not None
    assert found == row_agreement(second, first)


def test_what_two_ascending_arrays_have_in_common() -> None:
    random = np.random.default_rng(1)
    for size in (0, 1, 50):
        one, other = (np.sort(random.integers(0, 60, size).astype(np.uint64)) for _ in range(2))
        _, ones, others = np.intersect1d(one, other, return_indices=True)
        assert [found.tolist() for found in _in_both(one, other)] == [ones.tolist(), others.tolist()]
