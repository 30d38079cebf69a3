"""The whole evaluation on drawn pictures: what the generators promise of copies, attacks and strangers."""

from pathlib import Path

import numpy as np
import pytest

from countermark.fingerprint.evaluation.attacks import Attacks
from countermark.fingerprint.evaluation.edits import PAPER_STRENGTHS
from countermark.fingerprint.evaluation.evaluate import evaluate
from countermark.fingerprint.evaluation.evaluation import Evaluation
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.evaluation.hard import HARD
from countermark.fingerprint.evaluation.plan import Plan
from countermark.fingerprint.image.config import V1
from tests.support.figures import show
from tests.support.sizes import size

PICTURES = size(20, 40)

pytestmark = pytest.mark.timeout(900)  # hundreds of pictures are made and searched


def quiet(_: str):
    return lambda done, of: None


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(60)
    photos = []
    for number in range(PICTURES):
        photos.append(Path(folder / f"{number:02d}.jpg"))
        scene(random).save(photos[-1], quality=90)
    plan = Plan(photos, "image/v1", Attacks(PAPER_STRENGTHS, HARD), copies=1, seed=3)
    found = evaluate(plan, folder / "kept", processes=1, progress=quiet)
    mean = sum(one.matches for one in found.hard.values()) / PICTURES / len(HARD)
    show(f"recall of hard attacks on {PICTURES} drawn pictures: {100 * mean:.1f} %")
    return found


@pytest.mark.requirement("R25")
def test_copies_of_the_paper_are_found_and_no_stranger_is_taken_for_one(evaluation):
    for name, least in (("mild", 0.995), ("medium", 0.995), ("strong", 0.97)):
        point = evaluation.found[name].at_match
        assert point.recall >= least, name
        assert point.false_positives == 0, name


@pytest.mark.requirement("R25")
def test_hard_attacks_are_found_each_of_them(evaluation):
    recall = {name: one.matches / one.copies for name, one in evaluation.hard.items()}
    assert set(recall) == set(HARD)
    assert sum(recall.values()) / len(recall) >= 0.97, recall
    assert min(recall.values()) >= 0.85, recall
    assert not any(one.wrong for one in evaluation.hard.values())


def test_no_search_compares_with_more_than_fifty(evaluation):
    assert 0 < max(one.compared for one in evaluation.hard.values()) <= V1.candidates.most == 50


@pytest.mark.requirement("R58")
def test_different_pictures_are_neither_refused_nor_delayed(evaluation):
    assert evaluation.different.refused == 0
    assert evaluation.different.delayed <= PICTURES // 50
