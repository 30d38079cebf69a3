"""A pirate edits a registered file of any kind and lists it again: the gate must see it, and hold up no stranger."""

from functools import cache

import pytest

from countermark.fingerprint.evaluation.kinds.binary import ATTACKS
from countermark.fingerprint.evaluation.kinds.made_files import KINDS, made_files
from countermark.fingerprint.evaluation.kinds.measure import measure, strangers
from tests.support.figures import show
from tests.support.sizes import size

ORIGINALS = size(1, 10) * len(KINDS)

NEARLY_EMPTY_PARTS = {f"only the {part} of it" for part in ("first 0.15", "first 0.25", "last 0.15", "last 0.25")}
"""A small database begins with pages, and an archive ends with blocks, that are all but empty: of these parts nothing
can be found."""


@cache
def found():
    originals = made_files(ORIGINALS, seed=11, least=24_000, most=36_000)
    return measure(originals, ATTACKS, "bytes/v1", others=made_files(len(KINDS), seed=12, most=36_000))


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attacked_file_is_recognised_and_taken_for_no_other(attack):
    outcome = found()[attack.name]
    hopeless = 2 * ORIGINALS // len(KINDS) if attack.name in NEARLY_EMPTY_PARTS else 0
    assert outcome.matches + hopeless >= 0.95 * ORIGINALS, outcome
    assert outcome.wrong == 0


def test_files_of_all_kinds_by_strangers_are_not_taken_for_copies():
    outcome = strangers(made_files(size(150, 450), seed=13, least=2_000, most=60_000), "bytes/v1")
    show(f"bytes/v1: {outcome.pairs} pairs of strangers, {outcome.matches} matches, {outcome.reviews} to review")
    assert outcome.pairs > 10_000
    assert outcome.matches == 0
    assert outcome.reviews <= outcome.pairs * 1e-3
