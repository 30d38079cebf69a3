import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from skimage import data

from countermark.fingerprint import Fingerprint, compare, compare_many, compute, is_featureless
from countermark.fingerprint.comparison import Thresholds
from countermark.fingerprint.image import DIRECTIONS, LEVELS, VIEW_COUNT
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.corners import RECORD
from countermark.fingerprint.image.views import VIEWS

PHOTOGRAPHS = {
    name: getattr(data, name)()
    for name in (
        "astronaut",
        "camera",
        "chelsea",
        "coffee",
        "coins",
        "moon",
        "page",
        "rocket",
        "clock",
        "brick",
        "grass",
    )
}


def fingerprint(pixels: np.ndarray) -> Fingerprint:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    buffer.seek(0)
    return compute(buffer)


@pytest.fixture(scope="module")
def prints():
    return {name: fingerprint(pixels) for name, pixels in PHOTOGRAPHS.items()}


@pytest.mark.requirement("R22")
def test_same_file_gives_the_same_bytes_by_path_and_by_stream(tmp_path):
    path = tmp_path / "cat.png"
    Image.fromarray(PHOTOGRAPHS["chelsea"]).save(path)
    assert (
        compute(path).to_bytes() == compute(str(path)).to_bytes() == compute(io.BytesIO(path.read_bytes())).to_bytes()
    )


def test_fingerprint_stays_below_eight_kibibytes_and_below_twelve_where_margins_are_left_out(prints):
    assert len(VIEWS) == VIEW_COUNT
    framed = fingerprint(np.pad(PHOTOGRAPHS["coffee"], ((200, 200), (200, 200), (0, 0)), constant_values=255))
    assert framed.segment("content")
    for made in (*prints.values(), framed):
        assert len(made.to_bytes()) <= (12288 if made.segment("content") else 8192)
        assert Fingerprint.from_bytes(made.to_bytes()) == made


def test_weights_add_up_to_one():
    assert V1.weights.histogram + V1.weights.dct64 + V1.weights.ssim == pytest.approx(1)


@pytest.mark.requirement("R58")
def test_different_photographs_are_different(prints):
    for (first, a), (second, b) in combinations(prints.items(), 2):
        assert compare(a, b).decision == "different", (first, second)


@pytest.mark.requirement("R58")
@pytest.mark.requirement("A-04")
def test_a_fingerprint_matches_itself_fully(prints):
    for made in prints.values():
        outcome = compare(made, made)
        assert (outcome.decision, outcome.score, outcome.config) == ("match", 1.0, V1.id)


def test_order_of_the_two_does_not_matter(prints):
    framed = [
        fingerprint(np.pad(PHOTOGRAPHS[name], ((90, 40), (70, 150), (0, 0)), constant_values=250))
        for name in ("rocket", "coffee")
    ]
    made = [*prints.values(), fingerprint(PHOTOGRAPHS["rocket"][30:-10, 20:-50]), *framed]
    for a, b in combinations(made, 2):
        assert compare(a, b) == compare(b, a)


def test_comparing_with_many_says_the_same_as_comparing_with_each(prints):
    query = fingerprint(PHOTOGRAPHS["coffee"][20:-20, 30:])
    references = list(prints.values()) * 60
    outcomes = compare_many(query, references)
    assert outcomes == [compare(query, reference) for reference in prints.values()] * 60
    assert [o.decision for o in outcomes].count("match") == 60


def test_goods_on_one_background_are_not_taken_for_each_other():
    random = np.random.default_rng(5)
    cloth = np.clip(random.normal(150, 8, (300, 240, 3)), 0, 255).astype(np.uint8)
    goods = []
    for shape in ("square", "disc", "bar"):
        picture = cloth.copy()
        y, x = np.mgrid[:300, :240]
        inside = {
            "square": (abs(y - 150) < 70) & (abs(x - 120) < 70),
            "disc": (y - 150) ** 2 + (x - 120) ** 2 < 80**2,
            "bar": (abs(y - 150) < 110) & (abs(x - 120) < 35),
        }[shape]
        picture[inside] = (30, 40, 90)
        goods.append(fingerprint(picture))
    for a, b in combinations(goods, 2):
        assert compare(a, b).decision != "match"


@pytest.mark.requirement("A-05")
@pytest.mark.parametrize(
    ("score", "decision"),
    [(0.9, "match"), (0.8999, "review"), (0.7, "review"), (0.6999, "different"), (0, "different")],
)
def test_a_score_equal_to_a_threshold_reaches_it(score, decision):
    assert Thresholds(match=0.9, review=0.7).decide(score) == decision


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 4000), (2, 2)])
def test_pictures_of_any_shape_have_a_fingerprint(shape):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    made = fingerprint(pixels)
    assert Fingerprint.from_bytes(made.to_bytes()) == made
    assert compare(made, fingerprint(PHOTOGRAPHS["coffee"])).decision != "match"


def test_hostile_fingerprints_compare_without_harm(prints):
    random = np.random.default_rng(2)
    good = prints["coffee"]
    for fill in (lambda n: bytes(n), lambda n: b"\xff" * n, lambda n: random.bytes(n)):
        corners = np.frombuffer(fill(len(good.segment("local"))), RECORD).copy()
        corners["level"] %= LEVELS
        corners["direction"] %= DIRECTIONS
        for aspect in (16, 1024, 65536):
            body = [
                segment.__class__(s.name, fill(len(s.payload)))
                for segment, s in zip(good.segments, good.segments, strict=True)
            ]
            body[0] = body[0].__class__("aspect", aspect.to_bytes(4))
            body[-1] = body[-1].__class__("local", corners.tobytes())
            within = body[-1].__class__("content", b"".join(part.payload for part in body[:4]))
            for hostile in (Fingerprint("image/v1", (*body[:-2], last, body[-1])) for last in (body[-2], within)):
                assert compare(good, hostile).decision == "different"
                assert 0 <= compare(hostile, good).score <= 1
                assert compare(hostile, hostile).decision == ("review" if is_featureless(hostile) else "match")
