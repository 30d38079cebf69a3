"""The evaluation: figures by hand where they can be, and a whole run on pictures that are drawn."""

import io
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from countermark.fingerprint import compute
from countermark.fingerprint.evaluation.attacks import Attacks, attacks
from countermark.fingerprint.evaluation.cache import Cache
from countermark.fingerprint.evaluation.edits import PAPER_STRENGTHS, Strength
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.evaluate import evaluate
from countermark.fingerprint.evaluation.evaluation import Evaluation
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.evaluation.hard import HARD, KINDS, Attack
from countermark.fingerprint.evaluation.methods import Generator
from countermark.fingerprint.evaluation.plan import Plan, photographs
from countermark.fingerprint.evaluation.report import curve_csv, lines, write
from countermark.fingerprint.evaluation.scores import Scores

GENERATOR = "image/v1"
MILD = Attacks({"mild": PAPER_STRENGTHS["mild"]}, {})


def counted(copies: list[float], strangers: list[float]) -> Scores:
    scores = Scores()
    scores.add(np.array([*copies, *strangers]), np.array([True] * len(copies) + [False] * len(strangers)))
    return scores


SCORES = counted([0.9, 0.8, 0.7, 0.3], [0.75, 0.2, 0.1, 0.0])


@pytest.mark.requirement("A-05")
def test_a_threshold_takes_what_scores_as_much() -> None:
    point = next(point for point in SCORES.curve() if point.threshold == 0.75)
    assert (point.precision, point.recall, point.false_positives) == (2 / 3, 0.5, 0.25)


def test_the_highest_threshold_of_a_recall_and_the_lowest_without_strangers() -> None:
    assert (SCORES.at_recall(0.75).threshold, SCORES.at_recall(0.75).precision) == (0.7, 0.75)
    assert (SCORES.at_false_positives(0).threshold, SCORES.at_false_positives(0).recall) == (0.7501, 0.5)
    assert (SCORES.at_false_positives(0.25).threshold, SCORES.at_false_positives(0.25).recall) == (0.2001, 1.0)
    assert SCORES.at_false_positives(1).threshold == 0


@pytest.mark.requirement("A-05")
@pytest.mark.parametrize("hundredth", range(101))
def test_a_score_reaches_the_threshold_that_it_equals(hundredth: int) -> None:
    score = hundredth / 100
    assert counted([score], [0.0]).at_recall(1.0).threshold == score


def test_a_stranger_that_looks_identical_leaves_no_threshold() -> None:
    assert counted([1.0], [1.0]).at_false_positives(0).recall == 0


def test_counts_of_several_searches_add_up() -> None:
    half, other = counted([0.9, 0.8], [0.75, 0.2]), counted([0.7, 0.3], [0.1, 0.0])
    assert (half + other).curve() == SCORES.curve()


@pytest.mark.parametrize("scores", [counted([], [0.5]), counted([0.5], [])])
def test_without_copies_or_without_strangers_there_is_no_curve(scores: Scores) -> None:
    with pytest.raises(ValueError, match="copies and strangers"):
        scores.curve()


# Which copies are made


@pytest.fixture
def config(tmp_path: Path) -> Callable[[Any], Path]:
    def write_config(document: Any) -> Path:
        file = tmp_path / "attacks.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return file

    return write_config


def test_a_file_changes_strengths_and_adds_others(config: Callable[[Any], Path]) -> None:
    other = {"crop": 0.08, "noise": 25, "brightness": 0.4}
    file = config({"medium": other, "mine": other})
    assert attacks("medium", file) == Attacks({"medium": Strength(0.08, 25, 0.4)}, {})
    assert set(attacks("all", file).strengths) == {"mild", "medium", "strong", "mine"}
    assert attacks("hard", file) == Attacks({}, HARD)


def test_a_file_takes_the_place_of_the_hard_attacks(config: Callable[[Any], Path]) -> None:
    file = config({"hard": {"turned": {"kind": "rotate", "degrees": 7, "trim": 0.2}}})
    assert attacks("hard", file).hard == {"turned": Attack("rotate", {"degrees": 7, "trim": 0.2})}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "not JSON"),
        ([], "an object of strengths"),
        ({"../up": {}}, "cannot be a name"),
        ({"all": {}}, "cannot be a name"),
        ({"hard": {}}, "an object of attacks"),
        ({"hard": {"..": {"kind": "grey"}}}, "cannot be a name"),
        ({"hard": {"mine": {"kind": "magic"}}}, "its kind is one of jpeg"),
        ({"hard": {"mine": []}}, "its kind is one of jpeg"),
        ({"hard": {"mine": {"kind": "crop"}}}, "its members are kind, share"),
        ({"hard": {"mine": {"kind": "crop", "share": 1}}}, "share is a number from 0 to 0.9"),
        ({"mine": {"crop": 0.1}}, "its members are crop, noise, brightness"),
        ({"mine": {"crop": 0.1, "noise": 1, "brightness": 0.1, "blur": 1}}, "its members are"),
        ({"mine": {"crop": 0.5, "noise": 1, "brightness": 0.1}}, "crop is a number from 0 to 0.45"),
        ({"mine": {"crop": 0.1, "noise": "much", "brightness": 0.1}}, "noise is a number"),
        ({"mine": {"crop": 0.1, "noise": True, "brightness": 0.1}}, "noise is a number"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(config: Callable[[Any], Path], document: Any, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        attacks("all", config(document))


# A run


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        scene(np.random.default_rng(seed)).save(folder / f"{seed}.png")
    (folder / "notes.txt").write_text("no photograph")
    return folder


def plan(photos: Path, **changes: Any) -> Plan:
    values = {"generator": GENERATOR, "attacks": MILD, "copies": 2, "seed": 1, **changes}
    return Plan(photos=photographs(photos), **values)


def run(plan: Plan, folder: Path, said: list[str] | None = None) -> Evaluation:
    def progress(label: str) -> Callable[[int, int], None]:
        return lambda done, total: (said if said is not None else []).append(f"{label} {done}/{total}")

    return evaluate(plan, folder, processes=1, progress=progress)


@pytest.mark.requirement("R93")
def test_copies_are_found_and_strangers_are_not(photos: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = run(plan(photos), tmp_path, said)
    mild = found.found["mild"]
    assert (found.photos, found.different.pairs, mild.score.copies) == (4, 6, 8)
    assert (mild.at_match.precision, mild.at_match.recall, mild.at_match.false_positives) == (1.0, 1.0, 0.0)
    assert mild.score.at_false_positives["0"].threshold < found.match
    assert {"photographs 4/4", "copies, mild 4/4", "search, mild 4/4"} <= set(said)


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(photos: Path, tmp_path: Path) -> None:
    first = run(plan(photos), tmp_path / "first").document()
    assert run(plan(photos), tmp_path / "second").document() == first
    assert run(plan(photos, seed=2), tmp_path / "first").document()["found"] != first["found"]


def test_what_was_computed_before_is_not_computed_again_unless_it_is_damaged(photos: Path, tmp_path: Path) -> None:
    def kept() -> dict[Path, tuple[int, bytes]]:
        return {path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.iterdir()}

    first = run(plan(photos), tmp_path)
    before = kept()
    assert len(before) == 8
    assert (run(plan(photos), tmp_path), kept()) == (first, before)
    damaged = next(iter(before))
    damaged.write_bytes(before[damaged][1][:-1])
    assert run(plan(photos), tmp_path) == first
    assert damaged.read_bytes() == before[damaged][1]


def test_a_changed_photograph_is_another(tmp_path: Path) -> None:
    cache, photo = Cache(tmp_path / "cache", Generator(GENERATOR)), tmp_path / "photo.png"
    made = []
    for seed in (1, 2, 2):
        scene(np.random.default_rng(seed)).save(photo)
        made.append(cache.fingerprints(photo, "original", lambda: [compute(photo, GENERATOR)]))
    assert made[0] != made[1]
    assert made[1] == made[2]
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.requirement("A-45")
def test_hard_attacks_have_a_row_each(photos: Path, tmp_path: Path) -> None:
    own = {name: HARD[name] for name in ("jpeg_30", "crop_50")}
    found = run(plan(photos, attacks=Attacks({}, own)), tmp_path)
    assert list(found.hard) == list(own)
    assert found.hard["jpeg_30"].matches == found.hard["jpeg_30"].copies == 4
    assert any(line.startswith("mean") for line in lines(found))


@pytest.mark.parametrize("name", HARD)
def test_a_hard_attack_gives_another_file_and_the_same_for_the_same_numbers(name: str) -> None:
    picture = scene(np.random.default_rng(5), 96, 64)
    made = [HARD[name].copy(picture, np.random.default_rng(seed)) for seed in (1, 1)]
    assert made[0] == made[1]
    with Image.open(io.BytesIO(made[0])) as opened:
        copy = opened.convert("RGB")
    assert copy.tobytes() != picture.tobytes()
    assert min(copy.size) >= 30


@pytest.mark.requirement("A-45")
def test_each_kind_of_attack_is_among_the_hard_ones_with_all_its_parameters() -> None:
    assert {one.kind for one in HARD.values()} == set(KINDS)
    for one in HARD.values():
        assert set(one.parameters) == set(KINDS[one.kind].bounds)
        assert all(low <= one.parameters[name] <= high for name, (low, high) in KINDS[one.kind].bounds.items())


class Checker(HTMLParser):
    """Collects what a document takes from elsewhere, and its polylines."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.lines = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]
        self.lines += tag == "polyline"


@pytest.mark.requirement("A-45")
def test_the_report_needs_nothing_else_and_tells_the_figures(photos: Path, tmp_path: Path) -> None:
    found = run(plan(photos), tmp_path / "fingerprints")
    files = {path.name: path for path in write(found, tmp_path / "out")}
    assert set(files) == {"report.html", "report.json", "curve-mild.csv"}
    checker = Checker()
    checker.feed(files["report.html"].read_text())
    assert (checker.links, checker.lines >= 2) == ([], True)
    assert json.loads(files["report.json"].read_text())["found"]["mild"]["at_match"]["recall"] == 1.0
    rows = files["curve-mild.csv"].read_text().splitlines()
    assert rows[0] == "threshold,precision,recall,false_positives"
    assert rows[1] == "0.0,0.25,1.0,1.0"
    assert files["curve-mild.csv"].read_text() == curve_csv(found.found["mild"].score.curve)
    assert any(line.startswith("mild") and "100.00 %" in line for line in lines(found))


def test_recall_is_told_at_several_rates_and_never_falls_with_them(photos: Path, tmp_path: Path) -> None:
    found = run(plan(photos), tmp_path)
    recalls = [point.recall for point in found.found["mild"].score.at_false_positives.values()]
    assert list(found.document()["found"]["mild"]["at_false_positives"]) == ["0", "1e-6", "1e-5", "1e-4"]
    assert recalls == sorted(recalls)
    assert recalls[0] == 1.0


def test_a_photograph_lying_on_its_side_is_copied_as_it_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    upright = Image.Exif()
    upright[0x0112] = 6  # stored lying on its side
    for seed in range(2):
        scene(np.random.default_rng(seed)).save(folder / f"{seed}.jpg", exif=upright, quality=95)
    attack = Attacks({}, {"jpeg_30": HARD["jpeg_30"]})
    found = run(plan(folder, attacks=attack, generator="image/paper-v0"), tmp_path / "out")
    assert found.hard["jpeg_30"].matches == 2


def test_what_cannot_be_evaluated_says_why(photos: Path, tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "only.png")
    with pytest.raises(EvaluationError, match="two photographs"):
        photographs(tmp_path)
    with pytest.raises(EvaluationError, match=r"image/paper-v0, image/v1"):
        run(plan(photos, generator="text/v1"), tmp_path)
