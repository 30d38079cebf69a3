"""The paper's claims as an evaluation puts them: single features against their combination, and its one point."""

from pathlib import Path

import numpy as np
import pytest

from countermark.fingerprint import compare_many
from countermark.fingerprint.evaluation.attacks import Attacks, attacks
from countermark.fingerprint.evaluation.edits import PAPER_STRENGTHS, Strength
from countermark.fingerprint.evaluation.evaluate import evaluate
from countermark.fingerprint.evaluation.evaluation import Evaluation
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.evaluation.features import FEATURES, PaperFeatures, method_of
from countermark.fingerprint.evaluation.figures import Figures, Found
from countermark.fingerprint.evaluation.methods import SCORE, Generator
from countermark.fingerprint.evaluation.paper_point import PaperPoint, paper_point, strength_at
from countermark.fingerprint.evaluation.plan import Plan, photographs
from countermark.fingerprint.evaluation.report import lines, write
from countermark.fingerprint.evaluation.scores import Scores
from countermark.fingerprint.image.paper_v0 import GENERATOR
from tests.support.pictures import fingerprint

NAMED = tuple(PAPER_STRENGTHS.values())


def prints(count: int) -> list:
    return [fingerprint(scene(np.random.default_rng(seed), 96, 64), generator=GENERATOR) for seed in range(count)]


# Single features


def test_features_and_their_sum_are_those_of_the_generator() -> None:
    query, *gallery = prints(6)
    gallery = gallery * 110  # more than are compared at once
    found = PaperFeatures().similarities(query, gallery)
    outcomes = compare_many(query, gallery)
    assert found[SCORE].tolist() == [outcome.score for outcome in outcomes]
    for index, outcome in enumerate(outcomes):
        assert outcome.reasons == tuple(f"{name} {found[name][index]:.3f}" for name in FEATURES)


def test_only_a_plain_sum_has_features_to_tell() -> None:
    assert isinstance(method_of(GENERATOR), PaperFeatures)
    assert method_of("image/v1") == Generator("image/v1")


def figures(copies: list[float], strangers: list[float]) -> Figures:
    scores = Scores()
    scores.add(np.array([*copies, *strangers]), np.array([True] * len(copies) + [False] * len(strangers)))
    return Figures.of(scores)


def test_the_combination_beats_a_feature_by_precision_and_then_by_recall_without_strangers() -> None:
    twenty = [0.9] * 19
    sharp, blurred = figures([*twenty, 0.9], [0.2]), figures([*twenty, 0.1], [0.2])
    mixed = figures([*twenty, 0.9], [0.95])
    assert sharp.beats(blurred)
    assert blurred.beats(mixed)
    assert not sharp.beats(sharp)
    found = Found(NAMED[0], blurred, blurred.curve[0], {"a": sharp, "b": blurred, "c": mixed}, {})
    assert (found.better_features(), found.equal_features()) == (["a"], ["b"])


# Where the paper's point lies


@pytest.mark.requirement("R93")
@pytest.mark.parametrize("limit", [0.3, 1.0, 1.7, 2.95])
def test_the_point_is_enclosed_between_two_strengths(limit: float) -> None:
    """Precision falls steadily, and below 98 % at the strength `limit`."""
    crops = [0.0, *(one.crop for one in NAMED)]

    def precision(strength: Strength) -> float:
        return 0.98 + 0.1 * (limit - float(np.interp(strength.crop, crops, range(4))))

    found = paper_point(NAMED, {at: precision(one) for at, one in enumerate(NAMED, 1)}, precision)
    assert found.reached is not None
    assert found.missed is not None
    assert found.reached.position <= limit + 1e-9
    assert limit < found.missed.position
    assert found.missed.position - found.reached.position == 1 / 16
    assert found.reached.precision >= 0.98 - 1e-9
    assert found.missed.precision < 0.98


def test_a_point_beyond_all_strengths_needs_no_other_copies() -> None:
    def probe(strength: Strength) -> float:
        raise AssertionError(strength)

    found = paper_point(NAMED, {1: 1.0, 2: 0.99, 3: 0.98}, probe)
    assert found.missed is None
    assert found.reached is not None
    assert found.reached.strength == NAMED[2]


def test_untouched_pictures_may_miss_the_point() -> None:
    found = paper_point(NAMED, {1: 0.5, 2: 0.4, 3: 0.3}, lambda _: 0.6)
    assert found.reached is None
    assert found.missed is not None
    assert (found.missed.position, found.missed.precision) == (0, 0.6)


def test_strengths_between_are_interpolated() -> None:
    line = (Strength(0, 0, 0), *NAMED)
    assert [strength_at(line, at) for at in range(4)] == list(line)
    half = strength_at(line, 2.5)
    assert (half.crop, half.noise, half.brightness) == pytest.approx((0.09, 25, 0.425))


# A run


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        scene(np.random.default_rng(seed), 96, 64).save(folder / f"{seed}.png")
    all_strengths = attacks("all", None).strengths
    plan = Plan(photographs(folder), GENERATOR, Attacks(all_strengths, {}), copies=2, seed=1)
    return evaluate(plan, folder / "kept", processes=1, progress=lambda _: lambda _done, _total: None)


@pytest.mark.requirement("R93")
def test_each_strength_tells_of_each_feature(found: Evaluation, tmp_path: Path) -> None:
    assert [list(one.features) for one in found.found.values()] == [list(FEATURES)] * 3
    written = {path.name for path in write(found, tmp_path)}
    assert {f"curve-{name}-{feature}.csv" for name in PAPER_STRENGTHS for feature in FEATURES} < written
    document = found.document()["found"]["mild"]
    assert document["features"]["ssim"]["at_recall_95"]["precision"] == 1.0
    assert "curve" not in document["features"]["ssim"]


@pytest.mark.requirement("R93")
def test_the_report_answers_the_paper_s_claims(found: Evaluation) -> None:
    said = "\n".join(lines(found))
    for name in PAPER_STRENGTHS:
        assert f"Single features and their combination, {name}" in said
    assert said.count("The combination beats each single feature") == 3
    assert isinstance(found.paper_point, PaperPoint)
    assert "with a precision of 98 % is" in said
