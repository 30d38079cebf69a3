"""The photographs of a demo: what cannot be traded is left out and said, before anything is started."""

import shutil
from pathlib import Path

import click
import pytest

from countermark.cli.demo import cast
from countermark.cli.demo.pictures import gather
from tests.support.pictures import NAMES, crop, jpeg, photo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.jpg").write_bytes(jpeg(photo(name)))
    return folder


def test_photographs_that_cannot_be_read_or_resemble_another_are_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "aaa.jpg").write_bytes(b"no photograph")
    (folder / "aab.png").write_bytes(b"")
    (folder / "aac.jpg").mkdir()
    (folder / "astronaut-again.jpg").write_bytes(jpeg(crop(photo("astronaut"), 0.05), 60))
    (folder / "notes.txt").write_text("nothing to see")
    said: list[str] = []
    into = tmp_path / "into"
    into.mkdir()
    pictures = gather(folder, into, said.append)
    chosen = [pictures.traded, *pictures.others]
    assert len({path.stem.partition("-")[0] for path in chosen}) == len(chosen) == 4
    assert [line.split()[2] for line in said[:3]] == ["aaa.jpg:", "aab.png:", "aac.jpg:"]
    assert "resembles" in said[3]


def test_a_folder_with_too_few_is_usage(folder: Path, tmp_path: Path) -> None:
    (folder / "rocket.jpg").unlink()
    shutil.copy(folder / "coffee.jpg", folder / "coffee2.jpg")
    with pytest.raises(click.UsageError, match="fewer than 4"):
        gather(folder, tmp_path, lambda _: None)


def test_nobody_can_guess_the_passphrase_of_a_party(tmp_path: Path) -> None:
    with cast.cast(tmp_path, ("seller", "buyer")):
        found = [(tmp_path / "homes" / name / "passphrase").read_bytes() for name in ("seller", "buyer")]
    assert len(set(found)) == 2
    for passphrase in found:
        assert len(passphrase) == 32
        assert b"demo" not in passphrase
    assert (tmp_path / "homes" / "seller" / "passphrase").stat().st_mode & 0o777 == 0o600
