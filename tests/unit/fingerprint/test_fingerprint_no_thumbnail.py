"""``image/no-thumbnail-v1``: copies are found, strangers are not, and the picture cannot be drawn from it."""

import io
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from countermark.fingerprint import (
    Fingerprint,
    FingerprintError,
    Segment,
    compare,
    compare_many,
    compute,
    index_of,
    is_featureless,
    newest_generator,
)
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.image import DIRECTIONS, UNPLACED_BYTES, UNPLACED_LEVELS, UNPLACED_MOST
from countermark.fingerprint.image.decode import decode
from countermark.fingerprint.image.no_thumbnail_corners import RECORD
from countermark.fingerprint.image.resample import area_means, grey
from countermark.fingerprint.registry import layout_of

GENERATOR = "image/no-thumbnail-v1"
NAMES = ("astronaut", "camera", "chelsea", "coffee", "coins", "page", "rocket", "brick", "grass")
SIDE = 14
"""Of the picture that is sought in a fingerprint, in pixels."""


@cache
def picture(name: str) -> Image.Image:
    return Image.fromarray(getattr(data, name)()).convert("RGB")


def file_of(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def fingerprint(image: Image.Image, generator: str = GENERATOR) -> Fingerprint:
    return compute(io.BytesIO(file_of(image)), generator)


@cache
def made(name: str) -> Fingerprint:
    return fingerprint(picture(name))


def turned(image: Image.Image) -> Image.Image:
    return image.rotate(180)


def part(image: Image.Image) -> Image.Image:
    w, h = image.size
    return image.crop((w // 8, h // 10, w - w // 8, h - h // 10))


COPIES = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "mirrored": ImageOps.mirror,
    "upside down": turned,
    "on its side": lambda image: image.rotate(90, expand=True),
    "a crop": part,
    "framed": lambda image: ImageOps.expand(image, image.width // 10, "white"),
    "darker": lambda image: image.point(lambda level: level * 7 // 10),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


# What it shows


@pytest.mark.requirement("A-03")
def test_no_segment_is_a_picture_nor_has_a_place_in_it():
    rules = {rule.name: rule.longest for rule in layout_of(GENERATOR).rules}
    assert rules == {"levels": 6, "corners": UNPLACED_MOST * UNPLACED_BYTES}
    assert RECORD.names == ("level", "direction", "bits", "unsure")
    assert len(made("astronaut").to_bytes()) < 3500


@pytest.mark.requirement("A-03")
def test_corners_are_sorted_so_that_their_order_tells_no_places():
    body = made("chelsea").segment("corners")
    records = [body[start : start + UNPLACED_BYTES] for start in range(0, len(body), UNPLACED_BYTES)]
    assert records == sorted(records)
    with pytest.raises(FingerprintError, match="fingerprint_malformed"):
        replace_corners(made("chelsea"), b"".join(reversed(records)))


@pytest.mark.requirement("A-03")
def test_where_things_are_in_a_picture_cannot_be_told_from_its_fingerprint():
    # The same four quarters in other places are another picture to the eye, and to this generator a sure copy.
    image = picture("coffee").resize((640, 640))
    shuffled = Image.new("RGB", image.size)
    for number, target in enumerate((3, 2, 1, 0)):
        left, upper = number % 2 * 320, number // 2 * 320
        shuffled.paste(image.crop((left, upper, left + 320, upper + 320)), (target % 2 * 320, target // 2 * 320))
    outcome = compare(fingerprint(image), fingerprint(shuffled))
    assert outcome.decision == "match"
    assert outcome.score > 0.85


@cache
def many() -> tuple[Image.Image, ...]:
    random = np.random.default_rng(17)
    return tuple(scene(random, 160, 120) for _ in range(100))


def seen_by(generator: str, feature_of) -> float:
    """Return how much of a picture's coarse grey levels the best linear decoder finds: median correlation.

    It learns from half of many pictures and is tried on the others.
    """
    features = np.array([feature_of(fingerprint(image, generator)) for image in many()], np.float64)
    levels = np.array(
        [grey(area_means(decode(io.BytesIO(file_of(image))), SIDE)).reshape(-1) for image in many()], np.float64
    )
    features -= features.mean(axis=0)
    levels -= levels.mean(axis=1, keepdims=True)
    learnt = len(levels) // 2
    known, mean = features[:learnt], levels[:learnt].mean(axis=0)
    # Ridge regression in its dual form: there are more features than pictures.
    kernel = known @ known.T
    weights = np.linalg.solve(kernel + 0.1 * np.trace(kernel) / learnt * np.eye(learnt), levels[:learnt] - mean)
    # What all the pictures have in common is no news of any of them: it is taken off both.
    guessed, true = features[learnt:] @ known.T @ weights, levels[learnt:] - mean
    return float(np.median([np.corrcoef(*both)[0, 1] for both in zip(guessed, true, strict=True)]))


def bits_of(segment: str):
    def feature(one: Fingerprint) -> np.ndarray:
        return np.unpackbits(np.frombuffer(one.segment(segment), np.uint8)) * 2.0 - 1

    return feature


def pooled_corners(one: Fingerprint) -> np.ndarray:
    """Return all that corners without an order can add up to: of each level how many, and how many have each bit."""
    records = np.frombuffer(one.segment("corners"), RECORD)
    bits = np.unpackbits(records["bits"], axis=1) * 2.0 - 1
    of_level = [records["level"] == level for level in range(UNPLACED_LEVELS)]
    levels = np.frombuffer(one.segment("levels"), np.uint8) / 16
    return np.concatenate([*(bits[chosen].sum(axis=0) / 8 for chosen in of_level), levels])


@pytest.mark.requirement("A-03")
def test_a_decoder_draws_a_picture_from_hashes_of_views_and_none_from_this_fingerprint():
    from_hashes = seen_by("image/v1", bits_of("dct64"))
    from_corners = seen_by(GENERATOR, pooled_corners)
    assert from_hashes > 0.5, "the decoder works"
    assert from_corners < 0.2


# What it finds


@pytest.mark.requirement("A-03")
@pytest.mark.parametrize("edit", COPIES)
def test_copies_are_found(edit):
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        copy = fingerprint(COPIES[edit](picture(name)))
        assert compare(copy, made(name)).decision == "match", name


@pytest.mark.requirement("A-03")
def test_strangers_are_different():
    for first, second in combinations(NAMES, 2):
        assert compare(made(first), made(second)).decision == "different", (first, second)
    scenes = [fingerprint(image) for image in many()[:24]]
    for first, second in combinations(scenes, 2):
        assert compare(first, second).decision != "match"


def test_a_picture_with_features_matches_itself_and_its_score_is_one():
    for name in NAMES:
        outcome = compare(made(name), made(name))
        assert (outcome.decision, outcome.score) == (("different" if is_featureless(made(name)) else "match"), 1.0)


def test_a_comparison_is_the_same_both_ways_round():
    copies = [fingerprint(part(picture(name))) for name in NAMES]
    everything = [*copies, *map(made, NAMES)]
    for one in everything:
        for other, outcome in zip(everything, compare_many(one, everything), strict=True):
            back = compare(other, one)
            assert (outcome.decision, outcome.score) == (back.decision, pytest.approx(back.score))


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (300, 200), "red"),
        Image.linear_gradient("L").convert("RGB"),
        Image.new("RGB", (1, 1)),
    ],
    ids=["one colour", "a gradient", "one pixel"],
)
def test_pictures_without_features_are_never_a_match_and_of_like_colours_to_be_reviewed(image):
    plain = fingerprint(image)
    assert is_featureless(plain)
    assert compare(plain, plain).decision == "review"
    assert compare(plain, fingerprint(Image.new("RGB", (30, 20), (20, 90, 250)))).decision == "different"
    assert compare(plain, made("coffee")).decision == compare(made("coffee"), plain).decision == "different"


# What is read


def replace_corners(one: Fingerprint, payload: bytes) -> Fingerprint:
    levels, corners = one.segments
    return replace(one, segments=(levels, Segment(corners.name, payload)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:-1],
        lambda body: body[:-UNPLACED_BYTES] + bytes([UNPLACED_LEVELS]) + body[1 - UNPLACED_BYTES :],
        lambda body: bytes([0, DIRECTIONS]) + body[2:],
        lambda body: body + body[-UNPLACED_BYTES:],
    ],
    ids=["cut off", "a level beyond the last", "a direction beyond the last", "a corner too many"],
)
def test_corners_that_were_not_computed_are_malformed(spoil):
    with pytest.raises(FingerprintError, match="fingerprint_malformed"):
        replace_corners(made("astronaut"), spoil(made("astronaut").segment("corners")))


def test_whatever_passes_as_a_fingerprint_can_be_compared():
    random = np.random.default_rng(4)
    hostile = [replace_corners(made("coffee"), b""), replace_corners(made("coffee"), bytes(100 * UNPLACED_BYTES))]
    for count in (1, 60, 100):
        corners = np.frombuffer(random.bytes(count * UNPLACED_BYTES), RECORD).copy()
        corners["level"] %= UNPLACED_LEVELS
        corners["direction"] %= DIRECTIONS
        hostile.append(replace_corners(made("coffee"), b"".join(sorted(one.tobytes() for one in corners))))
    index = index_of(GENERATOR)
    index.add(hostile)
    for one in hostile:
        index.candidates(one)
        for outcome, other in zip(compare_many(one, hostile), hostile, strict=True):
            assert 0 <= outcome.score <= 1
            assert outcome.decision == compare(other, one).decision


# How it is used


def test_the_index_tells_what_is_worth_comparing():
    index = index_of(GENERATOR)
    index.add([fingerprint(image) for image in many()[:12]])
    index.add([made(name) for name in NAMES])
    for number, name in enumerate(NAMES[:4]):
        assert 12 + number in index.candidates(fingerprint(part(picture(name)).rotate(90, expand=True)))
    grey_ones = [fingerprint(Image.new("RGB", (20, 20), (level,) * 3)) for level in (10, 100)]
    index.add(grey_ones)
    assert index.candidates(grey_ones[1]) == [12 + len(NAMES) + 1]


def test_image_v1_is_still_the_generator_for_pictures():
    assert newest_generator("image") == "image/v1"
