"""`countermark fingerprint evaluate` and `selftest`, as people call them."""

from pathlib import Path

import numpy as np
import pytest

from countermark.fingerprint import conformance
from countermark.fingerprint.evaluation.families import scene
from tests.support.trees import tree
from tests.unit.cli.conftest import Run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        scene(np.random.default_rng(seed)).save(folder / f"{seed}.png")
    return folder


def test_a_folder_is_evaluated(run: Run, photos: Path, tmp_path: Path) -> None:
    words = ("fingerprint", "evaluate", photos, "--attacks", "mild", "--copies", "1", "--jobs", "1")
    out = tmp_path / "out"
    done = run(*words, "-o", out)
    assert done.status == 0
    assert "Different photographs" in done.out
    assert {path.name for path in out.iterdir()} == {"report.html", "report.json", "curve-mild.csv", "fingerprints"}
    told = run(*words, "-o", out, "--json")
    assert told.json["found"]["mild"]["copies"] == 3
    assert [Path(file).exists() for file in told.json["files"]] == [True] * 3


def test_a_dry_run_writes_nothing(run: Run, photos: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    done = run("fingerprint", "evaluate", photos, "-o", tmp_path / "out", "--dry-run", "--json")
    assert (done.status, done.json["photos"]) == (0, 3)
    assert done.json["attacks"][:4] == ["mild", "medium", "strong", "jpeg_30"]
    assert tree(tmp_path) == before


def test_a_file_that_is_no_photograph_is_named(run: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no image")
    failed = run("fingerprint", "evaluate", photos, "--jobs", "1", "-o", tmp_path / "out")
    assert failed.status == 1
    assert "broken.jpg" in failed.err
    assert "Traceback" not in failed.err


def test_this_machine_passes_its_own_test(run: Run) -> None:
    done = run("fingerprint", "selftest", "--json")
    assert (done.status, done.json) == (0, {"vectors": len(conformance.vectors()), "differing": []})


def test_a_machine_that_computes_otherwise_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "failures", lambda: ("grey by image/v1",))
    failed = run("fingerprint", "selftest")
    assert failed.status == 1
    assert "grey by image/v1" in failed.err
