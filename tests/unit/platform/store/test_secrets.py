"""A sealed column opens in its own place, under its own key, unchanged, or not at all."""

import os
import stat
from pathlib import Path

import pytest

from countermark.platform.store.secrets import SecretBox
from countermark.protocol.errors import ErrorCode, MarketError

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def box() -> SecretBox:
    return SecretBox({1: OLD, 2: NEW}, 2)


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(100_000)], ids=["empty", "one byte", "long"])
def test_what_was_sealed_opens(box: SecretBox, data: bytes) -> None:
    sealed = box.seal(data, context="board/1")
    assert box.open(sealed, context="board/1") == data
    assert len(sealed) == len(data) + 1 + 4 + 12 + 16


def test_the_same_data_never_looks_the_same(box: SecretBox) -> None:
    assert box.seal(b"data", context="c") != box.seal(b"data", context="c")


def test_a_row_sealed_under_an_old_key_opens_after_the_change_of_keys() -> None:
    sealed = SecretBox({1: OLD}, 1).seal(b"data", context="c")
    assert SecretBox({1: OLD, 2: NEW}, 2).open(sealed, context="c") == b"data"


def _flipped(sealed: bytes, position: int) -> bytes:
    return sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]


def test_no_bit_of_a_sealed_column_may_change(box: SecretBox) -> None:
    sealed = box.seal(b"data", context="c")
    for position in range(len(sealed)):
        with pytest.raises(MarketError) as refused:
            box.open(_flipped(sealed, position), context="c")
        assert refused.value.code is ErrorCode.INTERNAL


@pytest.mark.parametrize("length", [0, 1, 5, 16, 17, 32])
def test_a_truncated_column_does_not_open(box: SecretBox, length: int) -> None:
    with pytest.raises(MarketError, match="internal"):
        box.open(box.seal(b"data", context="c")[:length], context="c")


def test_bytes_moved_to_another_row_do_not_open(box: SecretBox) -> None:
    with pytest.raises(MarketError, match="board/2 was damaged or moved"):
        box.open(box.seal(b"data", context="board/1"), context="board/2")


def test_another_key_under_the_same_id_does_not_open() -> None:
    sealed = SecretBox({1: OLD}, 1).seal(b"data", context="c")
    with pytest.raises(MarketError, match="damaged"):
        SecretBox({1: NEW}, 1).open(sealed, context="c")


@pytest.mark.parametrize(("keys", "current"), [({}, 1), ({1: OLD}, 2), ({1: b"short"}, 1)])
def test_a_box_needs_whole_keys_and_a_current_one(keys: dict[int, bytes], current: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretBox(keys, current)


def test_the_key_file_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "columns.key"
    sealed = SecretBox.at(path).seal(b"data", context="c")
    assert SecretBox.at(path).open(sealed, context="c") == b"data"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"current":1,"keys":{}}', b'{"current":1,"keys":{"1":"AAAA"}}', b"[]"]
)
def test_a_damaged_key_file_is_told_without_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "columns.key"
    path.write_bytes(content)
    with pytest.raises(MarketError) as refused:
        SecretBox.at(path)
    assert refused.value.code is ErrorCode.INTERNAL
    assert "AAAA" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_no_key_is_in_the_repr(box: SecretBox) -> None:
    assert "nnn" not in repr(box)
    assert "nnn" not in repr(vars(box))
