"""The file of blocks: what a crash may leave behind, and what must never be taken for that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.network.embedded.errors import StorageError
from countermark.network.embedded.ledger.blockfile import BlockFile

RECORDS = [b"one", b"", b"three" * 1000]
HEADER = 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "blocks.bin"
    file = BlockFile(path)
    for data in RECORDS:
        file.append(data)
    file.close()
    return path


@pytest.fixture
def file(path: Path) -> Iterator[BlockFile]:
    file = BlockFile(path)
    yield file
    file.close()


def test_records_come_back_in_order_from_any_of_them(file: BlockFile) -> None:
    records = list(file.scan(0))
    assert [record.data for record in records] == RECORDS
    assert [record.data for record in file.scan(records[0].end)] == RECORDS[1:]
    assert file.read(records[2].offset) == records[2]
    assert list(file.scan(file.end)) == []


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kept", [1, HEADER - 1, HEADER, HEADER + 1, HEADER + 4999])
def test_a_torn_last_record_is_cut_off_wherever_it_tore(path: Path, kept: int) -> None:
    whole = path.read_bytes()
    before = len(whole) - HEADER - len(RECORDS[2])
    path.write_bytes(whole[: before + kept])
    file = BlockFile(path)
    assert [record.data for record in file.scan(0)] == RECORDS[:2]
    assert path.stat().st_size == before
    file.append(b"again")
    assert [record.data for record in file.scan(0)] == [*RECORDS[:2], b"again"]
    file.close()


def test_a_last_record_of_zeros_is_cut_off(path: Path) -> None:
    """A crash may leave a file longer than what was written into it."""
    with path.open("ab") as stream:
        stream.write(bytes(100))
    file = BlockFile(path)
    assert [record.data for record in file.scan(0)] == RECORDS
    assert file.end == path.stat().st_size
    file.close()


FIRST = range(HEADER + len(RECORDS[0]))


@pytest.mark.parametrize("position", FIRST)
def test_a_flipped_bit_before_the_last_record_is_damage_and_shortens_nothing(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    file = BlockFile(path)
    with pytest.raises(StorageError, match="block_damaged"):
        list(file.scan(0))
    assert path.read_bytes() == bytes(data)
    file.close()


def test_a_file_that_lost_committed_blocks_is_refused(path: Path) -> None:
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:100])
    file = BlockFile(path)
    with pytest.raises(StorageError, match="blocks_missing"):
        list(file.scan(size))
    file.close()


def test_a_full_disk_leaves_the_file_as_it_was(file: BlockFile, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("countermark.network.embedded.ledger.blockfile.os.fdatasync", full)
    with pytest.raises(StorageError, match="No space left"):
        file.append(b"four")
    assert path.read_bytes() == before
