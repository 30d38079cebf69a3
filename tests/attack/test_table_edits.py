"""A pirate edits a registered table and lists it again: the gate must see it."""

import io
from random import Random

import pytest

from countermark.fingerprint import compare_many, compute, index_of
from countermark.fingerprint.evaluation.kinds.made_tables import made_table
from countermark.fingerprint.evaluation.kinds.measure import strangers
from countermark.fingerprint.evaluation.kinds.table import ATTACKS, COMBINED

FAMILIES = ("sensor", "shop", "people", "laboratory", "panel")
ROWS = 300
FEW_COLUMNS = {"10 % of the rows, 3 columns", "30 % of the rows, 3 columns", "3 columns, noise 0.1 %",
               "4 columns, noise 0.5 %"}  # fmt: skip
"""Combinations that may leave too little by which a table of some hundred rows is known."""

LEAST_FOUND, LEAST_FOUND_OF_FEW = 4, 2
"""Of five copies. How often copies of larger tables are found: docs/fingerprints-table.md."""


@pytest.fixture(scope="module")
def originals():
    return [made_table(family, 1, ROWS) for family in FAMILIES]


@pytest.fixture(scope="module")
def registered(originals):
    """The originals, and of each family another that is none."""
    tables = [*originals, *(made_table(family, 2, ROWS) for family in FAMILIES)]
    fingerprints = [compute(io.BytesIO(data), "table/v1") for data in tables]
    index = index_of("table/v1")
    index.add(fingerprints)
    return fingerprints, index


@pytest.fixture(scope="module")
def others():
    return [made_table(family, 100, ROWS) for family in FAMILIES]


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("attack", ATTACKS + COMBINED, ids=lambda attack: attack.name)
def test_edited_copy_is_recognised_and_taken_for_no_other_table(attack, originals, registered, others):
    fingerprints, index = registered
    found = 0
    for number, data in enumerate(originals):
        query = compute(io.BytesIO(attack.edit(data, Random(f"{attack.name} {number}"), others)), "table/v1")
        candidates = index.candidates(query)
        compared = compare_many(query, [fingerprints[one] for one in candidates])
        matches = {one for one, result in zip(candidates, compared, strict=True) if result.decision == "match"}
        assert matches <= {number}
        found += number in matches
    assert found >= (LEAST_FOUND_OF_FEW if attack.name in FEW_COLUMNS else LEAST_FOUND)


@pytest.mark.parametrize("family", [*FAMILIES, "finance", "grid", "fast sensor", "survey"])
def test_tables_of_one_schema_one_key_and_one_distribution_are_no_copies(family):
    found = strangers([made_table(family, 200 + seed, 200) for seed in range(5)], "table/v1")
    assert found.matches == found.reviews == 0
