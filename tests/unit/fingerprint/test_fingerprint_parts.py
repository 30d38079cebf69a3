"""Corners, what they agree on, and the parts of pictures that are found by them."""

import io
from dataclasses import replace
from math import pi

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage import data

from countermark.fingerprint import Fingerprint, compare, compute
from countermark.fingerprint.image import DIRECTIONS, LEVELS, MOST_CORNERS
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.consensus import agreements
from countermark.fingerprint.image.corners import RECORD, Corners, corners_of
from countermark.fingerprint.image.local import local_features
from countermark.fingerprint.image.overlap import shared_views
from countermark.fingerprint.image.parts import shared_parts
from countermark.fingerprint.image.pattern import RADIUS, TESTS
from countermark.fingerprint.image.resample import UNIT

NAMES = ("astronaut", "chelsea", "coffee", "rocket", "immunohistochemistry")
RULE = V1.parts.consensus


def picture(name: str) -> Image.Image:
    return Image.fromarray(getattr(data, name)()).convert("RGB")


def fingerprint(image: Image.Image) -> Fingerprint:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    buffer.seek(0)
    return compute(buffer)


def half(image: Image.Image) -> Image.Image:
    """Return a part half as wide and as high, from off the middle."""
    w, h = image.size
    return image.crop((w // 5, h // 4, w // 5 + w // 2, h // 4 + h // 2))


def turned(image: Image.Image) -> Image.Image:
    w, h = image.size
    return image.rotate(20, Image.Resampling.BICUBIC).crop((w // 6, h // 6, w - w // 6, h - h // 6))


def pasted(image: Image.Image) -> Image.Image:
    other = picture("astronaut" if image.size != (512, 512) else "coffee").resize((600, 450))
    other.paste(image.resize((round(280 * image.width / image.height), 280)), (150, 120))
    return other


def written_over(image: Image.Image) -> Image.Image:
    marked, (w, h) = image.copy(), image.size
    ImageDraw.Draw(marked).rectangle((0.1 * w, 0.44 * h, 0.6 * w, 0.5 * h), fill="white")
    return marked


# Corners


def test_a_picture_has_at_most_a_hundred_corners_spread_over_sizes_and_places():
    records = np.frombuffer(local_features(np.asarray(picture("coffee"))), RECORD)
    assert len(records) == MOST_CORNERS
    assert set(records["level"]) == set(range(LEVELS))
    quarters = (records["x"] >> 15) * 2 + (records["y"] >> 15)
    assert min(np.bincount(quarters, minlength=4)) >= 10


@pytest.mark.parametrize("shape", [(1, 1), (3, 5000), (40, 40), (900, 1)])
def test_pictures_without_room_for_corners_have_few_or_none(shape):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert len(local_features(pixels)) % RECORD.itemsize == 0


def test_an_even_picture_has_no_corners():
    assert local_features(np.full((200, 300, 3), 130, np.uint8)) == b""


def test_points_to_compare_lie_within_reach_whatever_the_direction():
    assert TESTS.shape[0] == DIRECTIONS
    assert np.hypot(*np.moveaxis(TESTS, -1, 0)).max() <= RADIUS + 1


def test_corners_of_a_mirrored_picture_are_known_without_it():
    pixels = np.asarray(picture("chelsea").resize((320, 320)))
    original, mirrored = (
        corners_of(fingerprint(Image.fromarray(some))) for some in (pixels, np.ascontiguousarray(pixels[:, ::-1]))
    )
    expected = original.mirrored()
    same = 0
    for place, direction, bits in zip(expected.places, expected.directions, expected.bits, strict=True):
        near = np.flatnonzero(np.abs(mirrored.places - place) < 0.006)
        turns = (mirrored.directions[near] - direction + 3) % DIRECTIONS
        differing = np.bitwise_count(mirrored.bits[near] ^ bits).sum(axis=1, dtype=np.int64)
        same += bool(((turns <= 6) & (differing <= 16)).any())
    assert same >= 60


# Agreement


def corners(places: list[complex], *, level: int = 1, turn: int = 0) -> Corners:
    count = len(places)
    bits = np.random.default_rng(7).integers(0, 2**63, (count, 2)).astype(np.uint64)
    return Corners(
        np.array(places), np.full(count, level), np.full(count, turn), bits, np.zeros((count, 2), np.uint64)
    )


PLACES = [complex(x, y) for x in (-0.3, -0.1, 0.12, 0.31) for y in (-0.2, 0.05, 0.24)]


def test_a_shift_scale_and_turn_is_found_from_the_corners():
    factor, shift = 0.5 * np.exp(2j * pi * 5 / DIRECTIONS), 0.1 - 0.05j
    theirs = corners([factor * place + shift for place in PLACES], level=0, turn=5)
    ours = Corners(*(getattr(corners(PLACES, level=2), name) for name in Corners.__dataclass_fields__))
    (found,) = agreements(ours, theirs, RULE)
    assert found.support == len(PLACES)
    assert abs(found.factor - factor) < 1e-9
    assert abs(found.shift - shift) < 1e-9


def test_corners_that_agree_on_nothing_give_no_map():
    scattered = np.random.default_rng(3).uniform(-0.5, 0.5, (len(PLACES), 2)) @ [1, 1j]
    assert agreements(corners(PLACES), corners(list(scattered)), RULE) == []
    assert agreements(corners(PLACES[:3]), corners(PLACES[:3]), RULE) == []
    assert agreements(corners([]), corners(PLACES), RULE) == []


def test_many_corners_at_one_place_support_no_map():
    heap = [0.1 + 0.001j * number for number in range(12)]
    assert agreements(corners(heap), corners(heap), RULE) == []


def test_the_part_that_two_pictures_share_is_a_view_of_each():
    (found,) = agreements(corners(PLACES), corners([place - 0.25 for place in PLACES]), RULE)
    shown, seen = shared_views(1024, 1024, found, mirrored=False)
    # The right three quarters of ours are the left three of theirs.
    assert np.abs(shown - np.array([[0.75, 0, 0.25], [0, 1, 0]]) * UNIT).max() <= 2
    assert np.abs(seen - np.array([[0.75, 0, -0.25], [0, 1, 0]]) * UNIT).max() <= 2


def test_pictures_that_share_hardly_anything_share_no_part():
    (found,) = agreements(corners(PLACES), corners([place - 0.9 for place in PLACES]), RULE)
    assert shared_views(1024, 1024, found, mirrored=False) is None


# Decisions


@pytest.mark.requirement("R25", "R58")
@pytest.mark.parametrize("attack", [half, turned, pasted, written_over])
@pytest.mark.parametrize("name", NAMES[:3])
def test_a_part_of_a_picture_is_a_match_with_the_picture(name, attack):
    original = picture(name)
    copy = fingerprint(attack(original))
    outcome = compare(copy, fingerprint(original))
    assert outcome.decision == "match", outcome
    assert compare(fingerprint(original), copy) == outcome


@pytest.mark.requirement("R25")
def test_a_mirrored_half_is_a_match():
    for name in NAMES:
        copy = half(picture(name)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        outcome = compare(fingerprint(copy), fingerprint(picture(name)))
        assert outcome.decision == "match", (name, outcome)


def test_the_reason_tells_how_many_corners_agree():
    outcome = compare(fingerprint(half(picture("coffee"))), fingerprint(picture("coffee")))
    assert "corners agree on a shared part" in outcome.reasons[0]
    assert outcome.config == V1.id


def test_one_thing_that_two_pictures_have_alike_is_no_match():
    """A stamp of a tenth of the picture: so small a part is nothing that anybody sells."""
    stamp = picture("chelsea").resize((60, 40))
    both = []
    for name in ("coffee", "rocket"):
        image = picture(name).resize((600, 400))
        image.paste(stamp, (500, 340))
        both.append(fingerprint(image))
    assert compare(*both).decision == "different"


def test_of_two_mostly_blank_pictures_no_part_is_compared():
    white = []
    for name in ("coffee", "rocket"):
        image = Image.new("RGB", (600, 600), "white")
        image.paste(picture(name).resize((180, 180)), (30, 30))
        white.append(fingerprint(image))
    (part,) = shared_parts(white[0], [white[1]], V1.parts)
    assert part.support == 0
    assert compare(*white).decision == "different"


def test_a_part_that_is_coarse_on_a_thumbnail_takes_less_detail():
    whole, side = picture("astronaut"), picture("astronaut").width
    parts = [whole.crop((0, 0, round(share * side), round(share * side))) for share in (0.4, 0.7)]
    # Of 22 and 39 pixels a side: the one takes no detail, the other more than there is; structure is no help.
    rule = replace(V1.parts, detail=((24, -1.0), (32, 2.0)), structure=((0, 2.0),), differing=1.0)
    (coarse,), (fine,) = (shared_parts(fingerprint(part), [fingerprint(whole)], rule) for part in parts)
    assert coarse.ahead == pytest.approx(1 + coarse.detail)
    assert fine.ahead == pytest.approx(fine.detail - 2)


def test_what_differs_too_much_is_no_match_however_alike_the_rest_is():
    whole = picture("coffee")
    copy = half(whole)
    (found,) = shared_parts(fingerprint(copy), [fingerprint(whole)], V1.parts)
    (held,) = shared_parts(fingerprint(copy), [fingerprint(whole)], replace(V1.parts, differing=-1.0))
    assert found.ahead > 0
    assert found.differing <= V1.parts.differing
    assert -0.1 < held.ahead < 0
