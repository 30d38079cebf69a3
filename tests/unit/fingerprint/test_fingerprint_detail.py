"""Fine detail: what tells apart two things of one outline on one ground."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from countermark.fingerprint import Fingerprint, compare, compute
from countermark.fingerprint.evaluation.families import FAMILIES, scene
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.detail import detail_similarity, differing_share
from countermark.fingerprint.image.matching import compare_with_all
from countermark.fingerprint.image.ssim import ssim


def noise(seed: int, count: int = 1, levels: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 20 + levels, (count, 32, 32))


def shirt(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    return FAMILIES["shirt"](scene(random), random)


def fingerprint(picture: Image.Image, quality: int = 95) -> Fingerprint:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    buffer.seek(0)
    return compute(buffer)


def test_detail_is_like_itself_at_any_brightness_and_contrast():
    images = noise(1, levels=100)
    assert detail_similarity(images, images) == pytest.approx(1)
    assert detail_similarity(images, 2 * images + 15) == pytest.approx(1)
    assert detail_similarity(images, 255 - images) == pytest.approx(-1)


def test_large_shapes_do_not_count():
    slope = np.arange(32) * 3 + np.arange(32)[:, np.newaxis] * 2
    images = noise(2, levels=20)
    assert detail_similarity(images, images + slope) == pytest.approx(1)


def test_where_there_is_no_detail_nothing_is_alike():
    flat = np.full((1, 32, 32), 90)
    assert detail_similarity(flat, flat) == 0
    assert detail_similarity(flat, noise(3)) == 0


def test_each_pair_is_compared_by_itself():
    first, second = noise(4, 3), noise(5, 3)
    second[1] = first[1]
    found = detail_similarity(first, second)
    assert found[1] == pytest.approx(1)
    assert np.abs(found[[0, 2]]).max() < 0.3
    assert (found == detail_similarity(second, first)).all()


def test_one_outline_with_other_folds_is_alike_in_structure_only():
    small = [np.asarray(shirt(seed).convert("L").resize((32, 32)), np.int64)[np.newaxis] for seed in (1, 2)]
    assert ssim(small[0], small[1]) > 0.7
    assert detail_similarity(small[0], small[1]) < 0.9


@pytest.mark.parametrize("seed", range(2, 8))
def test_another_shirt_of_one_outline_is_no_match_but_a_copy_is(seed):
    original = fingerprint(shirt(1))
    assert compare(original, fingerprint(shirt(seed))).decision != "match"
    darker = ImageEnhance.Brightness(shirt(seed).crop((12, 12, 590, 590))).enhance(0.8)
    assert compare(fingerprint(shirt(seed)), fingerprint(darker, quality=60)).decision == "match"


def test_without_detail_other_shirts_would_be_matches():
    blind = replace(V1, detail=-1.0, differing=1.0, parts=replace(V1.parts, detail=((0, 0.8),), differing=1.0))
    others = [fingerprint(shirt(seed)) for seed in range(2, 8)]
    found = compare_with_all(fingerprint(shirt(1)), others, blind)
    assert [outcome.decision for outcome in found].count("match") >= 4


def test_what_covers_a_part_makes_few_windows_differ_and_other_goods_many():
    ground, goods = noise(6), noise(7)
    covered, replaced = ground.copy(), ground.copy()
    covered[:, 20:24, 4:28] = 255
    replaced[:, 8:26, 8:26] = goods[:, 8:26, 8:26]
    shares = differing_share(np.concatenate([ground] * 3), np.concatenate([ground, covered, replaced]))
    assert shares[0] == 0
    assert shares[1] < 0.35 < shares[2]


@pytest.mark.parametrize(("width", "decision"), [(80, "match"), (100, "review")])
def test_a_match_takes_that_no_more_than_a_fifth_differs(width, decision):
    random = np.random.default_rng(8)
    floor = scene(random)
    other = floor.copy()
    other.paste(scene(random).resize((width, width * 3 // 4)), (90, 70))
    found = compare(fingerprint(floor), fingerprint(other))
    assert found.decision == decision
    # Whoever reviews it is told why; where it is a match there is nothing to tell.
    assert any("differ in detail" in reason for reason in found.reasons) == (decision == "review")
