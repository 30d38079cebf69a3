"""A pirate who chooses each edit by the score that it leaves."""

import numpy as np
import pytest

from countermark.fingerprint.evaluation.adaptive import adaptive_attack
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.evaluation.hard import Attack

EDITS = 3


@pytest.mark.requirement("A-45")
@pytest.mark.parametrize("number", range(4))
def test_two_edits_chosen_by_the_score_are_refused_and_three_are_seen_at_least(number):
    random = np.random.default_rng([45, number])
    decisions = [step.comparison.decision for step in adaptive_attack(scene(random), random, steps=EDITS)]
    assert decisions[:2] == ["match", "match"]
    assert decisions[2] in ("match", "review")


def test_the_edit_that_leaves_least_is_chosen_and_the_pirate_stops_when_he_is_accepted():
    random = np.random.default_rng(46)
    moves = {"compress": Attack("jpeg", {"quality": 90}), "cut": Attack("crop", {"share": 0.8})}
    steps = adaptive_attack(scene(random), random, steps=EDITS, moves=moves)
    assert [step.edit for step in steps] == ["cut"]
    assert steps[-1].comparison.decision == "different"


def test_a_pirate_whose_copy_is_to_be_reviewed_goes_on():
    random = np.random.default_rng(47)
    steps = adaptive_attack(scene(random), random, steps=12, moves={"text": Attack("text", {"share": 0.08})})
    decisions = [step.comparison.decision for step in steps]
    assert "review" in decisions[:-1]
