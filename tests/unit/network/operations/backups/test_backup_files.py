"""Files of a backup: copied whole, for their owner only, with memory that does not grow; or not at all."""

import hashlib
import io
import tracemalloc
from pathlib import Path

import pytest

from countermark.network.native.errors import RunError
from countermark.network.operations.backups.drafts import drafted
from countermark.network.operations.backups.files import check, copy_back, copy_tree
from countermark.network.operations.backups.manifest import DATABASE, File, PlatformDatabase, load
from tests.unit.network.operations.backups.conftest import LEDGER, contents, fill

MIB = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    fill(tmp_path / "source")
    return tmp_path / "source"


def test_copy_has_every_file_with_its_digest_and_is_its_owners_alone(source: Path, tmp_path: Path) -> None:
    (source / "left").mkdir()
    (source / "left" / "key").write_bytes(b"secret")
    target = tmp_path / "deep" / "target"
    copied = list(copy_tree(source, target, without=("left",)))
    assert contents(target) == LEDGER
    assert {one.path: (one.size, one.sha256) for one in copied} == {
        name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in LEDGER.items()
    }
    assert [path for path in (target, *target.rglob("*")) if path.stat().st_mode & 0o077] == []


def test_copying_a_large_ledger_takes_little_memory(source: Path, tmp_path: Path) -> None:
    with (source / "blockfile").open("wb") as file:
        file.truncate(64 * MIB)
    tracemalloc.start()
    try:
        copied = list(copy_tree(source, tmp_path / "copy"))
        check(tmp_path / "copy", copied)
        copy_back(tmp_path / "copy", copied, "", tmp_path / "back")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB
    assert (tmp_path / "back" / "blockfile").stat().st_size == 64 * MIB


def test_a_link_in_the_ledger_is_not_followed(source: Path, tmp_path: Path) -> None:
    (source / "link").symlink_to("/etc/passwd")
    with pytest.raises(RunError, match=r"not_copied.*link"):
        list(copy_tree(source, tmp_path / "copy"))


def test_a_file_that_is_there_is_not_written_over(source: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "transientstore").write_text("mine")
    with pytest.raises(FileExistsError):
        list(copy_tree(source, tmp_path / "copy"))
    assert (tmp_path / "copy" / "transientstore").read_text() == "mine"


@pytest.fixture
def copied(source: Path, tmp_path: Path) -> tuple[Path, list[File]]:
    return tmp_path / "copy", list(copy_tree(source, tmp_path / "copy"))


DAMAGES = {
    "a bit is another": lambda path: path.write_bytes(b"B" + path.read_bytes()[1:]),
    "it is shorter": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "it is gone": lambda path: path.unlink(),
    "it is a link": lambda path: (path.rename(path.with_name("moved")), path.symlink_to("moved")),
    "it is a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_file_is_named(copied: tuple[Path, list[File]], damage: object, tmp_path: Path) -> None:
    folder, files = copied
    name = next(iter(LEDGER))
    check(folder, files)
    assert callable(damage)
    damage(folder / name)
    with pytest.raises(RunError, match=rf"damaged_backup.*{name}"):
        check(folder, files)
    with pytest.raises(RunError, match=rf"damaged_backup.*{name}"):
        copy_back(folder, files, "", tmp_path / "back")


def test_backup_takes_its_name_when_it_is_complete_and_nothing_is_left_of_a_failed_one(tmp_path: Path) -> None:
    out = tmp_path / "backups" / "today"
    with pytest.raises(OSError, match="full"):
        _fail_on_the_way(out)
    assert list(out.parent.iterdir()) == []
    with drafted(out) as draft:
        draft.add_database(PlatformDatabase("market/countermark", 3), io.BytesIO(b"dump"))
        made = draft.finish("ab" * 32)
    assert load(out) == made
    assert (out / DATABASE).read_bytes() == b"dump"
    assert [path for path in (out, *out.iterdir()) if path.stat().st_mode & 0o077] == []
    with pytest.raises(RunError, match="backup_exists"), drafted(out):
        pass
    assert load(out) == made


def _fail_on_the_way(out: Path) -> None:
    with drafted(out) as draft:
        draft.add_database(PlatformDatabase("market/countermark", 3), io.BytesIO(b"dump"))
        assert not out.exists()
        raise OSError("full")
