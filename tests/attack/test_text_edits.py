"""A pirate edits a registered text and lists it again: the gate must see it."""

from functools import cache
from pydoc_data.topics import topics

import pytest

from countermark.fingerprint.evaluation.kinds.measure import measure, strangers
from countermark.fingerprint.evaluation.kinds.prose import Subject, prose
from countermark.fingerprint.evaluation.kinds.text import ATTACKS

PAGES = ("assignment", "debugger", "formatstrings", "import", "numeric-types", "typesmapping")
"""Pages of Python's help none of which is a part of another."""


@cache
def originals() -> list[bytes]:
    made = [prose(Subject(number % 2), number, 700 + 400 * number).encode() for number in range(6)]
    return made + [topics[name].encode() for name in PAGES]


@cache
def others() -> list[bytes]:
    return [prose(Subject(0), 100 + number, 1500).encode() for number in range(10)]


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_edited_copy_is_recognised_and_taken_for_no_other_text(attack):
    (found,) = measure(originals(), [attack], "text/v1", others=others()).values()
    assert found.wrong == 0
    assert found.recall >= 0.9, "of twelve one may be missed"


def test_texts_of_one_subject_and_kind_are_no_copies():
    made = [prose(Subject(0), 200 + number, 1000).encode() for number in range(20)]
    found = strangers([*made, *others()], "text/v1")
    assert found.pairs > 200
    assert found.matches == found.reviews == 0
