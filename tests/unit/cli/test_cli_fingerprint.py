"""`countermark fingerprint evaluate` and `selftest`, as people call them."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


def test_other_hashes_are_measured_on_request(run: Run, photos: Path, tmp_path: Path) -> None:
    words = ("fingerprint", "evaluate", photos, "--attacks", "mild", "--copies", "1", "--jobs", "1")
    told = run(*words, "--peers", "-o", tmp_path / "out", "--json")
    assert list(told.json["found"]["mild"]["peers"]) == ["PDQ", "aHash", "pHash", "dHash", "wHash"]


def test_other_hashes_that_are_not_installed_are_named(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imagehash", None)
    failed = run("fingerprint", "evaluate", photos, "--peers", "-o", tmp_path / "out")
    assert failed.status == 1
    assert "install countermark[peers]" in failed.err
    assert not (tmp_path / "out").exists()


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


def test_a_picture_without_texture_is_told_so(run: Run, photos: Path, tmp_path: Path) -> None:
    plain, photograph = tmp_path / "plain.png", photos / "0.png"
    Image.new("RGB", (320, 240), "teal").save(plain)
    items = run("fingerprint", "compute", plain, photograph, "--json").json["items"]
    assert [item["featureless"] for item in items] == [True, False]
    told = run("fingerprint", "compute", plain, photograph).out.splitlines()
    assert len(told) == 3
    assert "featureless" in told[1]


@pytest.mark.parametrize(
    ("brand", "code", "said"),
    [(b"heic", "decoder_missing", "countermark[heic]"), (b"avif", "unsupported_format", "AVIF is not read")],
)
def test_a_picture_of_a_format_that_is_not_read_here_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brand: bytes, code: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\0\0\0\x14ftyp" + brand + bytes(4) + brand)
    failed = run("fingerprint", "compute", path, "--json")
    assert failed.status == 1
    assert failed.json["error"]["code"] == code
    assert said in failed.json["error"]["detail"]


def test_this_machine_passes_its_own_test(run: Run) -> None:
    done = run("fingerprint", "selftest", "--json")
    assert (done.status, done.json) == (0, {"vectors": len(conformance.vectors()), "differing": []})


def test_a_machine_that_computes_otherwise_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "failures", lambda: ("grey by image/v1",))
    failed = run("fingerprint", "selftest")
    assert failed.status == 1
    assert "grey by image/v1" in failed.err
