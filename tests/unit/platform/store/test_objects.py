"""Objects grow in order, become whole at once, and never leave their folder."""

import errno
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from countermark.platform.ports import ObjectStore
from countermark.platform.store.objects import FolderStore
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.full_disk import full_beyond
from tests.support.stores import InFolder, Stored

NAME = "packages/tr1abc"


@pytest.fixture
def store(stored: Stored) -> ObjectStore:
    """The store under test: every test that takes it runs on each kind."""
    return stored.store


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "objects")


@pytest.fixture
def rounds(stored: Stored) -> int:
    """How often something is tried that goes wrong by chance: a request takes longer than a system call."""
    return 300 if isinstance(stored, InFolder) else 10


def code(error: pytest.ExceptionInfo[MarketError]) -> ErrorCode:
    return error.value.code


def whole(store: ObjectStore, name: str = NAME) -> bytes:
    return b"".join(store.read(name))


def test_an_object_is_read_whole_and_only_after_it_was_sealed(store: ObjectStore) -> None:
    assert store.size(NAME) == 0
    assert store.append(NAME, 0, [b"one ", b"two "]) == 8
    assert store.append(NAME, 8, [b"three"]) == 13
    with pytest.raises(MarketError) as missing:
        store.read(NAME)
    assert code(missing) is ErrorCode.NOT_FOUND
    store.seal(NAME, store.size(NAME))
    store.seal(NAME, store.size(NAME))
    assert whole(store) == b"one two three"
    assert store.size(NAME) == 13


@pytest.mark.parametrize(
    ("start", "stop", "bytes_"),
    [(0, None, b"0123456789"), (3, None, b"3456789"), (2, 5, b"234"), (5, 5, b""), (8, 99, b"89"), (99, None, b"")],
)
def test_any_range_can_be_read(store: ObjectStore, start: int, stop: int | None, bytes_: bytes) -> None:
    store.append(NAME, 0, [b"0123456789"])
    store.seal(NAME, store.size(NAME))
    assert b"".join(store.read(NAME, start, stop)) == bytes_


def test_large_objects_come_in_pieces(store: ObjectStore) -> None:
    store.append(NAME, 0, (b"x" * 1_000_000 for _ in range(3)))
    store.seal(NAME, store.size(NAME))
    pieces = [len(piece) for piece in store.read(NAME, 1)]
    assert sum(pieces) == 2_999_999
    assert max(pieces) <= 1 << 20


def test_an_upload_that_broke_off_keeps_what_came_and_goes_on_there(store: ObjectStore) -> None:
    def cut() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.append(NAME, 0, cut())
    assert store.size(NAME) == 4
    store.append(NAME, 4, [b" and half"])
    store.seal(NAME, store.size(NAME))
    assert whole(store) == b"half and half"


def test_sending_a_part_again_replaces_what_stood_behind_it(store: ObjectStore) -> None:
    store.append(NAME, 0, [b"0123456789"])
    assert store.append(NAME, 4, [b"45"]) == 6
    store.seal(NAME, store.size(NAME))
    assert whole(store) == b"012345"


@pytest.mark.parametrize("offset", [1, 5, -1])
def test_a_gap_is_refused(store: ObjectStore, offset: int) -> None:
    with pytest.raises(MarketError) as refused:
        store.append(NAME, offset, [b"x"])
    assert code(refused) is ErrorCode.UPLOAD_OFFSET


def test_a_sealed_object_never_changes(store: ObjectStore, stored: Stored) -> None:
    store.append(NAME, 0, [b"final"])
    store.seal(NAME, store.size(NAME))
    for offset in (0, 5):
        with pytest.raises(MarketError) as refused:
            store.append(NAME, offset, [b"other"])
        assert code(refused) is ErrorCode.WRONG_STATE
    assert whole(store) == b"final"
    assert stored.sizes("packages") == [5]


def test_sealing_during_an_upload_waits_for_its_end(store: ObjectStore) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"first "
        started.set()
        assert go_on.wait(30)
        yield b"last"

    upload = threading.Thread(target=store.append, args=(NAME, 0, slow()))
    upload.start()
    assert started.wait(30)
    seal = threading.Thread(target=store.seal, args=(NAME, 10))
    seal.start()
    go_on.set()
    upload.join()
    seal.join()
    assert whole(store) == b"first last"


def test_what_is_not_there_cannot_be_sealed_or_read(store: ObjectStore) -> None:
    for attempt in (lambda: store.seal(NAME, 0), lambda: store.read(NAME)):
        with pytest.raises(MarketError) as missing:
            attempt()
        assert code(missing) is ErrorCode.NOT_FOUND


def test_bytes_that_change_before_the_seal_are_not_sealed(store: ObjectStore) -> None:
    store.append(NAME, 0, [b"0123456789"])
    store.append(NAME, 4, [b"x"])
    with pytest.raises(MarketError) as refused:
        store.seal(NAME, 10)
    assert code(refused) is ErrorCode.UPLOAD_OFFSET
    store.append(NAME, 5, [b"56789"])
    store.seal(NAME, 10)
    assert whole(store) == b"0123x56789"


def test_deletion_during_an_upload_leaves_the_next_one_alone(store: ObjectStore) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"old"
        started.set()
        assert go_on.wait(30)

    upload = threading.Thread(target=store.append, args=(NAME, 0, slow()))
    upload.start()
    assert started.wait(30)
    store.delete(NAME)
    assert store.append(NAME, 0, [b"newer"]) == 5
    go_on.set()
    upload.join()
    store.seal(NAME, 5)
    assert whole(store) == b"newer"


@pytest.mark.parametrize("sealed", [True, False])
def test_a_deleted_object_is_gone_and_may_be_written_anew(store: ObjectStore, sealed: bool) -> None:
    store.delete(NAME)
    store.append(NAME, 0, [b"old"])
    if sealed:
        store.seal(NAME, store.size(NAME))
    store.delete(NAME)
    assert store.size(NAME) == 0
    assert store.append(NAME, 0, [b"new"]) == 3


def test_everything_under_a_name_is_cleared_and_nothing_else(store: ObjectStore) -> None:
    store.append("packages/a/one", 0, [b"x"])
    store.append("packages/a/two", 0, [b"x"])
    store.seal("packages/a/two", 1)
    store.append("packages/ab/other", 0, [b"x"])
    store.clear("packages/a")
    store.clear("packages/a")
    assert [store.size(f"packages/{name}") for name in ("a/one", "a/two", "ab/other")] == [0, 0, 1]


@pytest.mark.parametrize("sealed", [False, True])
def test_an_object_is_no_folder_and_a_folder_no_object(store: ObjectStore, sealed: bool) -> None:
    for name in ("packages/a", "packages/b/one"):
        store.append(name, 0, [b"x"])
        if sealed:
            store.seal(name, 1)
    store.clear("packages/a")
    store.delete("packages/b")
    assert [store.size(name) for name in ("packages/a", "packages/b/one")] == [1, 1]


@pytest.mark.parametrize("prefix", ["", "..", "packages/..", "/"])
def test_nothing_outside_is_cleared(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(MarketError) as refused:
        store.clear(prefix)
    assert code(refused) is ErrorCode.NOT_FOUND


@pytest.mark.parametrize(
    "name",
    [
        *("", "packages", "/etc/passwd", "../x", "packages/../../x", "packages/.hidden", "packages//x"),
        *("a/b\0c", "a/b\n", "packages/x.part", "packages/", "Packages/x", "a/ö"),
    ],
)
def test_no_name_leaves_the_folder(store: ObjectStore, name: str) -> None:
    with pytest.raises(MarketError) as refused:
        store.append(name, 0, [b"x"])
    assert code(refused) is ErrorCode.NOT_FOUND


def test_files_are_for_their_owner_alone(folder: FolderStore, tmp_path: Path) -> None:
    folder.append("fingerprints/did:key:zDnA.1", 0, [b"x"])
    folder.seal("fingerprints/did:key:zDnA.1", 1)
    for path in (tmp_path / "objects").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((tmp_path / "objects").stat().st_mode) == 0o700


@pytest.mark.parametrize("size", [1000, 5000, 256 << 10], ids="pieces of {}".format)
def test_a_full_disk_is_one_clear_error_and_what_came_before_stays(folder: FolderStore, size: int) -> None:
    """Whatever the size of the pieces: none is left in a buffer, to fail once more."""
    folder.append(NAME, 0, [b"safe"])
    with full_beyond(300_000), pytest.raises(MarketError) as failed:
        folder.append(NAME, 4, (bytes(size) for _ in range(600_000 // size)))
    assert (code(failed), failed.value.detail) == (ErrorCode.STORE_UNAVAILABLE, "File too large")
    assert 4 <= folder.size(NAME) <= 300_000
    assert folder.append(NAME, 4, [b" and sound"]) == 14
    folder.seal(NAME, 14)
    assert whole(folder) == b"safe and sound"


def test_a_disk_that_does_not_keep_what_it_took_is_an_error(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MarketError) as failed:
        folder.append(NAME, 0, [b"more"])
    assert (code(failed), failed.value.detail) == (ErrorCode.STORE_UNAVAILABLE, "No space left on device")


@pytest.mark.parametrize("end", ["seal", "delete", "clear"])
def test_an_object_that_ends_between_two_looks_is_no_failure_of_the_store(
    store: ObjectStore, rounds: int, end: str
) -> None:
    """Each round meets the others anywhere: whoever looks sees all bytes or none, and no missing file."""
    folder = "packages/tr1abc"
    ended = threading.Event()

    def look() -> set[int]:
        seen = set()
        while not ended.is_set():
            seen.add(store.size(f"{folder}/x"))
        return seen

    with ThreadPoolExecutor(2) as pool:
        lookers = [pool.submit(look) for _ in range(2)]
        try:
            for _ in range(rounds):
                store.append(f"{folder}/x", 0, [b"bytes"])
                if end == "seal":
                    store.seal(f"{folder}/x", 5)
                if end == "clear":
                    store.clear(folder)
                store.delete(f"{folder}/x")
        finally:
            ended.set()
        assert set().union(*(looker.result() for looker in lookers)) <= {0, 5}


def test_whoever_writes_while_a_folder_is_cleared_writes_to_a_new_one(store: ObjectStore, rounds: int) -> None:
    ended = threading.Event()

    def clear() -> None:
        while not ended.is_set():
            store.clear("packages/tr1abc")

    with ThreadPoolExecutor(1) as pool:
        clearing = pool.submit(clear)
        try:
            for _ in range(rounds):
                assert store.append("packages/tr1abc/x", 0, [b"bytes"]) == 5
        finally:
            ended.set()
        clearing.result()
    store.append("packages/tr1abc/x", 0, [b"bytes"])
    store.seal("packages/tr1abc/x", 5)
    assert whole(store, "packages/tr1abc/x") == b"bytes"
