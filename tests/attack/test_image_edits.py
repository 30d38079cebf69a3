"""A pirate edits a registered photograph and lists it again: the gate must see it (paper section IV.A, point 2)."""

import io
from functools import cache

import numpy as np
import pytest
from PIL import Image
from skimage import data

from countermark.fingerprint import Fingerprint, compare, compare_many, compute
from countermark.fingerprint.evaluation.edits import EDITS, PAPER_STRENGTHS, paper_copy

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "coins", "hubble_deep_field", "rocket")

# Seen through, though not as certainly: enough for a person to have a look.
REVIEW_WILL_DO = {"caption", "crop_20", "gamma_2", "gamma_half", "jpeg_q10"}


@cache
def photograph(name: str) -> Image.Image:
    picture = Image.fromarray(getattr(data, name)()).convert("RGB")
    picture.thumbnail((480, 480))
    return picture


@cache
def registered(name: str) -> Fingerprint:
    buffer = io.BytesIO()
    photograph(name).save(buffer, "JPEG", quality=95)
    buffer.seek(0)
    return compute(buffer)


@pytest.mark.requirement("R25")
@pytest.mark.requirement("R59")
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_edited_copy_is_recognised_and_taken_for_no_other_photograph(name, edit):
    copy = compute(io.BytesIO(EDITS[edit](photograph(name), np.random.default_rng(7))))
    for other, outcome in zip(PHOTOGRAPHS, compare_many(copy, [registered(n) for n in PHOTOGRAPHS]), strict=True):
        if other != name:
            assert outcome.decision == "different", other
        elif edit in REVIEW_WILL_DO:
            assert outcome.decision in ("match", "review"), outcome
        else:
            assert outcome.decision == "match", outcome


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("strength", [s for s in PAPER_STRENGTHS if s != "strong"])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_copies_as_the_paper_makes_them_are_recognised(name, strength):
    random = np.random.default_rng(23)
    for _ in range(4):
        copy = compute(io.BytesIO(paper_copy(photograph(name), random, PAPER_STRENGTHS[strength])))
        assert compare(copy, registered(name)).decision == "match"


@pytest.mark.requirement("R31")
def test_sample_search_finds_the_item_that_the_sample_was_taken_from():
    sample = compute(io.BytesIO(EDITS["crop_noise_brightness"](photograph("rocket"), np.random.default_rng(1))))
    outcomes = compare_many(sample, [registered(name) for name in PHOTOGRAPHS])
    assert PHOTOGRAPHS[max(range(len(outcomes)), key=lambda index: outcomes[index].score)] == "rocket"
