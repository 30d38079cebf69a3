"""Pictures that share nearly all of their area and differ in content, and their copies."""

import io
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from countermark.fingerprint import Fingerprint, compare, compare_many, compute
from countermark.fingerprint.evaluation.edits import LIGHT_EDITS
from countermark.fingerprint.evaluation.families import FAMILIES, scene
from tests.support.sizes import size

MEMBERS = size(6, 8)
COPIED = size(1, 2)
"""So many of them are passed on."""

WITHOUT_TEXTURE = ("gradient", "gradient_vertical", "plain")
SMALL_BEFORE_A_STILL_CAMERA = ("one_floor_30", "one_floor_45")
"""They differ in no more than a copy with a sticker on it: docs/adr/0024."""

PASSED_ON = ("jpeg_q80", "jpeg_q30", "half_size", "larger_by_half", "noise_10", "brighter_20", "darker_20")


def fingerprint(picture: Image.Image) -> Fingerprint:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    buffer.seek(0)
    return compute(buffer)


@cache
def goods() -> tuple[Image.Image, ...]:
    random = np.random.default_rng(20)
    return tuple(scene(random) for _ in range(MEMBERS))


@cache
def members(family: str) -> tuple[Image.Image, ...]:
    random = np.random.default_rng(sum(family.encode()))
    return tuple(FAMILIES[family](picture, random) for picture in goods())


@cache
def prints(family: str) -> tuple[Fingerprint, ...]:
    return tuple(map(fingerprint, members(family)))


def copies(family: str, member: int, edits: tuple[str, ...]) -> dict[str, str]:
    random = np.random.default_rng(member)
    files = [LIGHT_EDITS[edit](members(family)[member], random) for edit in edits]
    outcomes = compare_many(prints(family)[member], [compute(io.BytesIO(file)) for file in files])
    return {edit: outcome.decision for edit, outcome in zip(edits, outcomes, strict=True)}


@pytest.mark.requirement("R58")
@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in SMALL_BEFORE_A_STILL_CAMERA])
def test_members_of_a_family_are_never_taken_for_each_other(family):
    for a, b in combinations(prints(family), 2):
        assert compare(a, b).decision != "match"


@pytest.mark.parametrize("family", [name for name in FAMILIES if name.startswith("goods") or name == "page"])
def test_different_goods_on_one_ground_are_not_even_to_be_reviewed(family):
    for a, b in combinations(prints(family), 2):
        assert compare(a, b).decision == "different"


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in WITHOUT_TEXTURE])
def test_copies_that_were_passed_on_are_recognised(family):
    for member in range(COPIED):
        decisions = copies(family, member, PASSED_ON)
        assert "different" not in decisions.values(), decisions
        # The margins of a line or two of thin text are found to a cell, which is a good part of their height.
        assert decisions["jpeg_q80"] == "match" or family == "note"


@pytest.mark.parametrize("family", ["goods_centre_30", "goods_centre_60", "goods_cut_out", "logo", "line_chart"])
def test_crops_that_leave_the_content_are_a_match(family):
    for member in range(2):
        assert set(copies(family, member, ("crop_2", "crop_5")).values()) == {"match"}


@pytest.mark.parametrize("ground", [(255, 255, 255), (0, 0, 0), (30, 90, 160)])
@pytest.mark.parametrize("place", [(20, 20), (190, 170), (330, 60)])
def test_photograph_pasted_on_plain_ground_is_recognised(ground, place):
    goods = scene(np.random.default_rng(8), 300, 200)
    pasted = Image.new("RGB", (700, 600), ground)
    pasted.paste(goods, place)
    assert compare(fingerprint(goods), fingerprint(pasted)).decision == "match"
    framed = Image.new("RGB", (800, 800), (200, 0, 0))
    framed.paste(pasted, (50, 100))
    assert compare(fingerprint(pasted), fingerprint(framed)).decision in ("match", "review")


def plain(*colour: int, sides: tuple[int, int] = (120, 80)) -> Fingerprint:
    return fingerprint(Image.new("RGB", sides, colour))


def test_plain_pictures_of_other_colours_are_different():
    white, black = plain(255, 255, 255), plain(0, 0, 0)
    for other in (black, plain(255, 0, 0), plain(128, 128, 128), plain(230, 230, 230)):
        assert compare(white, other).decision == "different"
    assert compare(black, plain(0, 0, 20)).decision == "different"


def test_plain_pictures_of_nearly_one_colour_are_to_be_reviewed_and_never_a_match():
    white = plain(255, 255, 255)
    for other in (plain(254, 255, 253), plain(255, 255, 255, sides=(300, 300))):
        assert other != white
        assert compare(white, other).decision == "review"
    assert compare(white, plain(255, 255, 255)).decision == "review"


def test_even_gradients_are_compared_by_colours_and_form_and_never_a_match():
    ramp = np.linspace(40, 200, 300)
    grey = np.repeat(ramp[:, np.newaxis, np.newaxis], 200, axis=1) * np.ones(3)
    falling, rising, across = grey.astype(np.uint8), grey[::-1].astype(np.uint8), grey.transpose(1, 0, 2)
    first = fingerprint(Image.fromarray(falling))
    assert compare(first, fingerprint(Image.fromarray(falling.copy()))).decision == "review"
    assert compare(first, fingerprint(Image.fromarray(falling).resize((400, 500)))).decision == "review"
    for other in (rising, across.astype(np.uint8), (grey * (1, 0.7, 0.5)).astype(np.uint8)):
        assert compare(first, fingerprint(Image.fromarray(other))).decision == "different"


@pytest.mark.parametrize("spread", [0.3, 0.6])
def test_below_a_certain_contrast_pictures_are_at_most_to_be_reviewed(spread):
    drawn = np.asarray(scene(np.random.default_rng(4))).astype(float)
    faint = np.rint(128 + spread * (drawn - drawn.mean()) / drawn.std()).astype(np.uint8)
    original = fingerprint(Image.fromarray(faint))
    turned_up = fingerprint(Image.fromarray(faint + np.uint8(2)))
    assert compare(original, fingerprint(Image.fromarray(faint.copy()))).decision == "review"
    assert original != turned_up
    assert compare(original, turned_up).decision == "review"


def test_a_plain_picture_resembles_no_textured_one():
    for family in ("goods_centre_30", "page", "logo"):
        for other in prints(family)[:3]:
            for colour in ((255, 255, 255), (0, 0, 0), (128, 128, 128)):
                assert compare(plain(*colour), other).decision == "different"
