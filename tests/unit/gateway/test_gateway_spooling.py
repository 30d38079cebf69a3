"""A piece of an upload waits on the disk: nothing is left of it, and a full disk is one clear answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.gateway.spooling import spooled
from countermark.protocol.errors import ErrorCode
from tests.support.full_disk import full_beyond
from tests.support.market import refused


def test_piece_is_read_from_its_beginning_and_leaves_nothing(tmp_path: Path) -> None:
    with spooled(tmp_path, [b"one ", b"", b"two"], 7) as file:
        assert file.read() == b"one two"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pieces", [[b"12345678"], [b"1234", b"5678"], [b"123456"], []])
def test_piece_of_another_length_than_announced_is_refused(tmp_path: Path, pieces: list[bytes]) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST), spooled(tmp_path, pieces, 7):
        pass


def test_no_more_is_taken_in_than_was_announced(tmp_path: Path) -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield b"x"

    with refused(ErrorCode.MALFORMED_REQUEST), spooled(tmp_path, endless(), 7):
        pass
    assert len(taken) == 8


@pytest.mark.parametrize("size", [1000, 5000, 256 << 10], ids="chunks of {}".format)
def test_full_disk_is_one_clear_answer(tmp_path: Path, size: int) -> None:
    chunks = [bytes(size)] * (600_000 // size)
    with full_beyond(300_000), refused(ErrorCode.STORE_UNAVAILABLE), spooled(tmp_path, chunks, size * len(chunks)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_gone_is_the_same_answer(tmp_path: Path) -> None:
    with refused(ErrorCode.STORE_UNAVAILABLE), spooled(tmp_path / "nowhere", [b"x"], 1):
        pass
