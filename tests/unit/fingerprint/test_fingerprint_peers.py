"""Hashes that others publish, beside our generators: they are what their packages give, and share the experiment."""

import io
import sys
from pathlib import Path

import imagehash
import numpy as np
import pdqhash
import pytest
from PIL import Image

from countermark.fingerprint.errors import FingerprintError
from countermark.fingerprint.evaluation.attacks import Attacks
from countermark.fingerprint.evaluation.edits import PAPER_STRENGTHS
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.evaluate import evaluate
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.evaluation.hard import HARD
from countermark.fingerprint.evaluation.hard_recall import hard_recall
from countermark.fingerprint.evaluation.peers import PEERS, PeerHashes
from countermark.fingerprint.evaluation.plan import Plan, photographs
from countermark.fingerprint.evaluation.report import lines, write
from countermark.fingerprint.evaluation.scores import Scores

GENERATOR = "image/v1"


def picture(seed: int) -> Image.Image:
    return scene(np.random.default_rng(seed), 160, 120)


def hashes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    buffer.seek(0)
    return PeerHashes().compute(buffer)


def test_similarity_is_the_share_of_equal_bits_of_each_package_s_hash() -> None:
    first, second = picture(1), picture(2)
    found = PeerHashes().similarities(hashes(first), [hashes(first), hashes(second)])
    assert list(found) == ["PDQ", "aHash", "pHash", "dHash", "wHash"]
    assert [similar[0] for similar in found.values()] == [1.0] * 5
    bits = [pdqhash.compute(np.asarray(one))[0] for one in (first, second)]
    assert found["PDQ"][1] == (bits[0] == bits[1]).mean()
    functions = {
        "aHash": imagehash.average_hash,
        "pHash": imagehash.phash,
        "dHash": imagehash.dhash,
        "wHash": imagehash.whash,
    }
    for name, function in functions.items():
        assert found[name][1] == 1 - (function(first) - function(second)) / 64


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 3)])
def test_the_smallest_pictures_have_hashes(size: tuple[int, int]) -> None:
    assert 8 * len(hashes(Image.new("RGB", size, "red"))) == sum(PEERS.values())


def test_what_is_no_picture_or_no_hashes_is_refused() -> None:
    with pytest.raises(FingerprintError, match="not_an_image"):
        PeerHashes().compute(io.BytesIO(b"no picture"))
    with pytest.raises(FingerprintError, match="fingerprint_malformed"):
        PeerHashes().from_bytes(bytes(63))


def test_hard_attacks_are_found_above_all_strangers() -> None:
    strangers = Scores()
    strangers.add(np.array([0.5, 0.6]), np.zeros(2, bool))
    found = hard_recall(["a", "b"], strangers.strangers, np.array([[0.6, 0.9], [0.7, 0.8]]))
    assert (found.threshold, found.recall) == (0.6001, {"a": 0.5, "b": 1.0})


# A run


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        picture(seed).save(folder / f"{seed}.png")
    return folder


def plan(photos: Path) -> Plan:
    hard = {name: HARD[name] for name in ("jpeg_30", "rotate_180")}
    chosen = Attacks({"mild": PAPER_STRENGTHS["mild"]}, hard)
    return Plan(photographs(photos), GENERATOR, chosen, copies=2, seed=1, peers=True)


def test_they_are_put_to_the_same_experiment_and_kept(photos: Path, tmp_path: Path) -> None:
    def run() -> list[str]:
        said: list[str] = []
        found = evaluate(
            plan(photos),
            tmp_path / "kept",
            processes=1,
            progress=lambda label: lambda done, total: said.append(f"{label} {done}/{total}"),
        )
        assert {"peers, photographs 4/4", "peers, copies, mild 4/4", "peers, hard attacks 4/4"} <= set(said)
        assert list(found.found["mild"].peers) == list(PEERS)
        assert found.found["mild"].peers["PDQ"].copies == found.found["mild"].score.copies == 8
        assert found.found["mild"].peers["PDQ"].at_recall_95.precision == 1.0
        assert list(found.hard_recall) == [GENERATOR, *PEERS]
        assert found.hard_recall["PDQ"].recall == {"jpeg_30": 1.0, "rotate_180": 0.0}
        assert found.hard_recall[GENERATOR].recall == {"jpeg_30": 1.0, "rotate_180": 1.0}
        assert "curve-mild-PDQ.csv" in {path.name for path in write(found, tmp_path / "out")}
        return lines(found)

    first = run()
    kept = {path: (path.stat().st_ino, path.read_bytes()) for path in (tmp_path / "kept").iterdir()}
    assert len(kept) == 2 * 3 * 4  # two methods: originals, copies and attacked pictures of four photographs
    assert run() == first
    assert {path: (path.stat().st_ino, path.read_bytes()) for path in (tmp_path / "kept").iterdir()} == kept


def test_without_their_packages_it_says_what_to_install(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pdqhash", None)
    with pytest.raises(EvaluationError, match=r"no pdqhash here: install countermark\[peers\]"):
        plan(photos)
