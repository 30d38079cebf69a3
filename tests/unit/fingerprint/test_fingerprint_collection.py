"""Folders and archives: what is taken as a collection, and what is refused with one clear error."""

import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from countermark.fingerprint import Fingerprint, FingerprintError, Segment, compare, compute
from countermark.fingerprint.collection import counts_of, counts_to_bytes
from countermark.fingerprint.collection.entries import MOST_FILES, Reader, files_of
from countermark.fingerprint.kinds import kind_of

FILES = {"a.txt": b"one", "b/c.bin": bytes(range(256)), "b/d.txt": b"", "z": b"two"}


def archive(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as packed:
        for name, data in files.items():
            packed.writestr(zipfile.ZipInfo(name), data, compression)
    return out.getvalue()


def special(name: str, mode: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        packed.writestr(entry, b"/etc/passwd")
    return out.getvalue()


def twice(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(name, b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr(name, b"2")
    return out.getvalue()


def claiming(data: bytes, *, size: int | None = None, flags: int | None = None) -> bytes:
    """An archive whose directory says another size, or other flags, of its first file."""
    at = data.index(b"PK\x01\x02")
    changed = bytearray(data)
    if size is not None:
        struct.pack_into("<L", changed, at + 24, size)
    if flags is not None:
        struct.pack_into("<H", changed, at + 8, flags)
    return bytes(changed)


def with_entries(count: int, said: int) -> bytes:
    """An archive with so many entries in its directory, whose last record says how many there are."""
    data = archive(FILES)
    begin, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    directory = data[begin : data.index(b"PK\x01\x02", begin + 1)] * count
    tail = bytearray(data[end:])
    struct.pack_into("<2HL", tail, 8, min(said, 0xFFFF), min(said, 0xFFFF), len(directory))
    if said <= 0xFFFF:
        return data[:begin] + directory + bytes(tail)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, said, said, len(directory), begin)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, begin + len(directory), 1)
    struct.pack_into("<L", tail, 12, 0)
    return data[:begin] + directory + record + locator + bytes(tail)


def renamed(old: bytes, new: bytes, most: int = -1) -> bytes:
    """An archive with another name for one of its files, at the file itself alone or in the directory as well."""
    return archive(FILES).replace(old, new, most)


def without_entry() -> bytes:
    """An archive of two files of which the directory names the second."""
    whole = archive({"hidden": b"hidden", "shown": b"shown"})
    begin, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    second = whole.index(b"PK\x01\x02", begin + 1)
    tail = bytearray(whole[end:])
    struct.pack_into("<2HL", tail, 8, 1, 1, end - second)
    return whole[:begin] + whole[second:end] + bytes(tail)


def with_extra() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        entry = zipfile.ZipInfo("a")
        entry.extra = struct.pack("<2H", 0xCAFE, 5000) + bytes(5000)
        packed.writestr(entry, b"1")
    return out.getvalue()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no file at all": (lambda: archive({}), "empty_collection"),
    "folders alone": (lambda: archive({"a/": b"", "a/b/": b""}), "empty_collection"),
    "a name that leads out": (lambda: archive({"../x": b"1"}), "archive_unsafe"),
    "a name that leads out further down": (lambda: archive({"a/../../x": b"1"}), "archive_unsafe"),
    "a name from the root": (lambda: archive({"/x": b"1"}), "archive_unsafe"),
    "a name with a drive": (lambda: archive({"C:/x": b"1"}), "archive_unsafe"),
    "a name with backslashes": (lambda: archive({"a\\..\\x": b"1"}), "archive_unsafe"),
    "a name with a control character": (lambda: archive({"a\x1b[2J": b"1"}), "archive_unsafe"),
    "an empty part of a name": (lambda: archive({"a//b": b"1"}), "archive_unsafe"),
    "a folder that leads out": (lambda: archive({"../": b"", "a": b"1"}), "archive_unsafe"),
    "a very long name": (lambda: archive({"x" * 2000: b"1"}), "archive_unsafe"),
    "a name twice": (lambda: twice("x"), "archive_unsafe"),
    "names that differ in case only": (lambda: archive({"Photo": b"1", "photo": b"2"}), "archive_unsafe"),
    "names of one composition": (lambda: archive({"\u00e9": b"1", "e\u0301": b"2"}), "archive_unsafe"),
    "a file where a folder is": (lambda: archive({"a": b"1", "a/b": b"2"}), "archive_unsafe"),
    "a symbolic link": (lambda: special("link", stat.S_IFLNK | 0o777), "archive_unsafe"),
    "a device": (lambda: special("null", stat.S_IFCHR | 0o666), "archive_unsafe"),
    "a file under a password": (lambda: claiming(archive(FILES), flags=1), "archive_unsafe"),
    "a bomb": (lambda: claiming(archive(FILES), size=0xFFFF_0000), "data_too_large"),
    "a name with a NUL, after which nobody looks": (lambda: renamed(b"b/c.bin", b"b/\0.bin"), "archive_unsafe"),
    "a folder with contents of its own": (lambda: archive({"a/": b"hidden", "b": b"1"}), "archive_unsafe"),
    "a file that the directory does not name": (lambda: without_entry(), "not_an_archive"),
    "something before its files": (lambda: b"hidden" + archive(FILES), "not_an_archive"),
    "another name at the file than in the directory": (lambda: renamed(b"a.txt", b"z.txt", 1), "not_an_archive"),
    "extra fields that hold data": (lambda: with_extra(), "archive_unsafe"),
    "a file in a rare packing": (lambda: archive(FILES, zipfile.ZIP_LZMA), "archive_unsafe"),
    "more files than are taken": (lambda: with_entries(MOST_FILES + 1, MOST_FILES + 1), "data_too_large"),
    "more files than it says": (lambda: with_entries(MOST_FILES + 1, 1), "data_too_large"),
    "a hundred thousand files": (lambda: with_entries(100_000, 100_000), "data_too_large"),
    "a directory longer than the archive": (
        lambda: archive(FILES)[:-10] + struct.pack("<2LH", 0xFFFF_0000, 0, 0),
        "not_an_archive",
    ),
    "cut off": (lambda: archive(FILES)[:-30], "not_an_archive"),
    "its beginning alone": (lambda: archive(FILES)[:100], "not_an_archive"),
    "a directory of nonsense": (
        lambda: archive(FILES).replace(b"PK\x01\x02", b"PK\x01\x03"),
        "not_an_archive",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_archive_that_is_not_taken_is_refused_with_one_clear_error(tmp_path: Path, case: str) -> None:
    make, code = REFUSED[case]
    path = tmp_path / "some.zip"
    path.write_bytes(make())
    with pytest.raises(FingerprintError) as caught:
        files_of(path)
    assert caught.value.code == code
    assert "\x1b" not in caught.value.detail


def test_a_link_in_a_folder_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(FingerprintError) as caught:
        files_of(tmp_path)
    assert caught.value.code == "archive_unsafe"


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FingerprintError) as caught:
        files_of(tmp_path)
    assert caught.value.code == "archive_unsafe"


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe")).write_bytes(b"1")
    with pytest.raises(FingerprintError) as caught:
        files_of(tmp_path)
    assert caught.value.code == "archive_unsafe"


def test_a_file_that_becomes_a_link_after_the_folder_was_read_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic link"), Reader(folder) as reader, reader.open("file"):
        pass


def test_a_file_that_is_broken_in_the_archive_is_named(tmp_path: Path) -> None:
    data = archive({"good": b"good", "bad": b"something long enough to be broken"}, zipfile.ZIP_STORED)
    path = tmp_path / "some.zip"
    path.write_bytes(data.replace(b"long enough", b"long-enough", 1))
    names = [entry.name for entry in files_of(path)]
    assert names == ["bad", "good"]
    with Reader(path) as reader:
        with reader.open("good") as file:
            assert file.read() == b"good"
        with pytest.raises(FingerprintError, match="bad") as caught, reader.open("bad"):
            pass
    assert caught.value.code == "not_an_archive"


def test_a_file_of_which_the_directory_shows_the_beginning_alone_is_refused(tmp_path: Path) -> None:
    """Other programs unpack all of it."""
    shown, hidden = b"shown", b"hidden" * 100
    data = bytearray(archive({"a": shown + hidden}))
    for at, sizes in ((data.index(b"PK\x03\x04") + 14, 8), (data.index(b"PK\x01\x02") + 16, 8)):
        struct.pack_into("<L", data, at, zlib.crc32(shown))
        struct.pack_into("<L", data, at + sizes, len(shown))
    path = tmp_path / "some.zip"
    path.write_bytes(data)
    assert [entry.size for entry in files_of(path)] == [len(shown)]
    with Reader(path) as reader, pytest.raises(FingerprintError) as caught, reader.open("a"):
        pass
    assert caught.value.code == "not_an_archive"


def test_a_file_that_expands_far_is_read_whatever_its_length(tmp_path: Path) -> None:
    """Where the last piece is just full, the end of the stream is still to come."""
    path = tmp_path / "some.zip"
    for length in range((3 << 20) - 300, (3 << 20) + 300, 11):
        path.write_bytes(archive({"zeros": bytes(length)}))
        with Reader(path) as reader, reader.open(files_of(path)[0].name) as file:
            assert len(file.read()) == length


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_that_was_written_to_a_pipe_is_read(tmp_path: Path, method: int) -> None:
    """Its files are followed by their sizes, which were not known when they began."""

    class Pipe(io.BytesIO):
        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as packed:
        for name, data in FILES.items():
            packed.writestr(name, data)
    path = tmp_path / "some.zip"
    path.write_bytes(pipe.getvalue())
    assert {entry.name: entry.size for entry in files_of(path)} == {name: len(data) for name, data in FILES.items()}
    with Reader(path) as reader:
        for name, data in FILES.items():
            with reader.open(name) as file:
                assert file.read() == data


def test_a_folder_and_an_archive_of_it_have_the_same_files(tmp_path: Path) -> None:
    folder, packed = tmp_path / "folder", tmp_path / "folder.zip"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    packed.write_bytes(archive({"b/": b"", **dict(reversed(FILES.items()))}))
    listed = [[(entry.name, entry.size) for entry in files_of(path)] for path in (folder, packed)]
    assert listed[0] == listed[1] == [(name, len(data)) for name, data in sorted(FILES.items())]
    for path in (folder, packed):
        with Reader(path) as reader:
            for name, data in FILES.items():
                with reader.open(name) as file:
                    assert file.read() == data


# Kinds of files in collections


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}), "bytes"),
        (archive({"mimetype": b"application/epub+zip"}, zipfile.ZIP_STORED), "bytes"),
        (bytes(range(256)), "bytes"),
        (b"\xff\xd8\xff cut off", "image"),
        (b"BM is how this text begins, and it goes on for a while", "text"),
        (b'{"a": 1}\n', "text"),
        (b'{"a": 1}\n{"a": 2}\n', "table"),
    ],
    ids=["nothing", "office document", "electronic book", "bytes", "broken JPEG", "text", "JSON", "JSON lines"],
)
def test_a_file_in_a_collection_is_of_a_kind(data: bytes, kind: str) -> None:
    assert kind_of(io.BytesIO(data), nested=True) == kind


def test_an_archive_in_a_collection_hides_nothing() -> None:
    inner = archive({"photo.jpg": b"\xff\xd8\xff"})
    assert kind_of(io.BytesIO(inner)) == "collection"
    with pytest.raises(FingerprintError) as caught:
        kind_of(io.BytesIO(inner), nested=True)
    assert caught.value.code == "archive_unsafe"
    with pytest.raises(FingerprintError, match="archive_unsafe"):
        compute(io.BytesIO(archive({"inner.zip": inner})), "collection/v1")


# The summary


def noise(seed: int) -> bytes:
    """Bytes that resemble none of another seed."""
    return b"".join(hashlib.sha256(b"%d %d" % (seed, n)).digest() for n in range(32))


def summary(files: dict[str, bytes]) -> Fingerprint:
    return compute(io.BytesIO(archive(files)), "collection/v1")


def test_a_summary_counts_files_by_kind_and_does_not_depend_on_names_or_order() -> None:
    one = summary({"a": noise(1), "b": b"", "c": noise(2)})
    assert counts_of(one.segment("kinds")) == {"bytes": 2, "empty": 1}
    assert summary({"z": b"", "y": noise(2), "x": noise(1)}) == one
    assert summary({"a": noise(1), "b": b"", "c": noise(3)}) != one


@pytest.mark.parametrize(
    ("shared", "of_first", "of_second", "decision"),
    [
        (20, 20, 20, "match"),
        (20, 20, 400, "match"),
        (20, 400, 20, "match"),
        (20, 100, 100, "match"),
        (19, 100, 100, "review"),
        (4, 100, 100, "different"),
        (0, 10, 10, "different"),
    ],
)
def test_summaries_tell_files_in_common_both_ways(shared: int, of_first: int, of_second: int, decision: str) -> None:
    first = summary({f"{n}": noise(n) for n in range(of_first)})
    second = summary({f"x{n}": noise(n if n < shared else 1000 + n) for n in range(of_second)})
    for compared in (compare(first, second), compare(second, first)):
        assert compared.decision == decision
        assert compared.score == pytest.approx(shared / min(of_first, of_second))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        counts_to_bytes({"text": 1})[:-1],
        counts_to_bytes({"text": 1}) * 2,
        counts_to_bytes({"text": 1}) + counts_to_bytes({"image": 1}),
        counts_to_bytes({"text": 0}),
        b"\x04te\xffx\0\0\0\x01",
        b"\x00\0\0\0\x01",
        b"\x20" + b"x" * 32 + b"\0\0\0\x01",
        counts_to_bytes({f"kind{n:02d}": 1 for n in range(17)}),
    ],
    ids=["nothing", "cut", "twice", "out of order", "none of a kind", "no ASCII", "no name", "long", "too many"],
)
def test_counts_have_one_form(payload: bytes) -> None:
    with pytest.raises(FingerprintError) as caught:
        Fingerprint("collection/v1", (Segment("kinds", payload), Segment("files", b"\0")))
    assert caught.value.code == "fingerprint_malformed"
