"""The files of a collection, as they lie in a folder or in a zip archive, in the order of their names.

What makes a collection ambiguous or dangerous is refused, and said which entry it was: names that lead out of it or
that some system cannot hold, the same name twice, links and devices, entries under a password or packed in a rare
way, archives that unpack to far more than they are. Folders in it count by their files alone.
"""

import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, Self, cast

from countermark.fingerprint.collection.directory import count_entries
from countermark.fingerprint.collection.members import METHODS, check_layout, unpacked
from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["MOST_FILES", "Entry", "Reader", "check_names", "files_of"]

MOST_FILES: Final = 20_000
"""Files of a collection."""

_LONGEST_NAME: Final = 1024
"""Bytes of a file's name, with the folders that it lies in."""

_MOST_UNPACKED: Final = 1 << 30
_MOST_TIMES: Final = 200
"""An archive may unpack to a gigabyte, or to so many times its own size if that is more."""

_IN_MEMORY: Final = 4 << 20
"""Bytes of an archive's file that are unpacked in memory; of longer ones, on the disk."""

_NOTHING: Final = 2
"""Bytes that nothing takes when it is deflated."""

_FORBIDDEN: Final = frozenset('\\:*?"<>|')
_BAD_ARCHIVE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises for archives that it cannot read, or that were changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a collection.

    Attributes:
        name: Its path in there, parts joined by ``/``.
        size: Its bytes, as folder or archive say.
        version: Another when the file was changed.
    """

    name: str
    size: int
    version: str


class Reader:
    """Reads the files of one collection, for one process; to be used as a context manager."""

    def __init__(self, path: Path) -> None:
        """Read the folder or zip archive `path`."""
        self._path = path
        self._archive: zipfile.ZipFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive, if it is one that was opened."""
        if self._archive is not None:
            self._archive.close()

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Give the file `name`, to be read at any place.

        Raises:
            FingerprintError: ``not_an_archive``, where the archive is broken at this file.
            OSError: It cannot be read.
        """
        if self._path.is_dir():
            # What was a file when the folder was read may have become a link since.
            descriptor = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                yield file
            return
        with SpooledTemporaryFile(_IN_MEMORY) as spooled:
            try:
                if self._archive is None:
                    # Kept: its directory is long, and is read whenever it is opened.
                    self._archive = zipfile.ZipFile(self._path)
                for piece in unpacked(cast(BinaryIO, self._archive.fp), self._archive.getinfo(name)):
                    spooled.write(piece)
            except _BAD_ARCHIVE as error:
                raise FingerprintError(FingerprintErrorCode.NOT_AN_ARCHIVE, f"broken at {_shown(name)}") from error
            spooled.seek(0)
            yield spooled  # type: ignore[misc]  # it has what of a file is used


def files_of(path: Path) -> list[Entry]:
    """Return the files of the folder or zip archive `path`, ordered by the bytes of their names.

    Raises:
        FingerprintError: ``not_an_archive``, ``archive_unsafe``, ``data_too_large`` or ``empty_collection``.
        OSError: It cannot be read.
    """
    found = list(_in_folder(path) if path.is_dir() else _in_archive(path))
    if not found:
        raise FingerprintError(FingerprintErrorCode.EMPTY_COLLECTION, "it holds no file")
    check_names([entry.name for entry in found])
    return sorted(found, key=lambda entry: entry.name.encode())


def check_names(names: Sequence[str]) -> None:
    """Check that a collection may have files of these names, side by side, on every system.

    Raises:
        FingerprintError: ``archive_unsafe`` or ``data_too_large``.
    """
    _check_count(len(names))
    known: set[str] = set()
    for name in names:
        _check_name(name)
        folded = _folded(name)
        if folded in known:
            raise _unsafe(name, "there are two files of that name, for some systems at least")
        known.add(folded)
    for name in names:
        parts = _folded(name).split("/")
        if any("/".join(parts[:count]) in known for count in range(1, len(parts))):
            raise _unsafe(name, "a file has the name of the folder that it lies in")


def _in_folder(folder: Path) -> Iterator[Entry]:
    waiting, count = [""], 0
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                name = prefix + entry.name
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(name + "/")
                    continue
                if not stat.S_ISREG(status.st_mode):
                    raise _unsafe(name, "a link or a device, not a file")
                count += 1
                _check_count(count)
                yield Entry(name, status.st_size, str(status.st_mtime_ns))


def _in_archive(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        count = count_entries(file, MOST_FILES)
        _check_count(count)
        length = file.seek(0, os.SEEK_END)
        version = str(os.fstat(file.fileno()).st_mtime_ns)
        try:
            with zipfile.ZipFile(file) as archive:
                listed = archive.infolist()
                if len(listed) != count:
                    raise zipfile.BadZipFile("its directory is longer than it seems")
                for info in listed:
                    _check_kind(info)
                if sum(info.file_size for info in listed) > max(_MOST_UNPACKED, _MOST_TIMES * length):
                    raise FingerprintError(
                        FingerprintErrorCode.DATA_TOO_LARGE, "the archive unpacks to far more than it is"
                    )
                check_layout(file, listed, archive.start_dir)
        except _BAD_ARCHIVE as error:
            raise FingerprintError(FingerprintErrorCode.NOT_AN_ARCHIVE, f"broken: {error}"[:80]) from error
    for info in listed:
        if not info.filename.endswith("/"):
            yield Entry(info.filename, info.file_size, f"{version} {info.CRC:08x}")


def _check_kind(info: zipfile.ZipInfo) -> None:
    """Check that an entry is a file that every system unpacks alike, or an empty folder."""
    # The library cuts a name where another goes on.
    if "\0" in info.orig_filename:
        raise _unsafe(info.orig_filename, "its name has signs that not every system takes")
    if info.filename.endswith("/"):
        _check_name(info.filename.rstrip("/"))
        if info.file_size or info.compress_size > _NOTHING:
            raise _unsafe(info.filename, "a folder that has contents of its own")
    # Upper half: the mode of a Unix file, 0 where another system made the archive.
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if info.filename.endswith("/") else stat.S_IFREG):
        raise _unsafe(info.filename, "a link or a device, not a file")
    if info.flag_bits & 1:
        raise _unsafe(info.filename, "it is under a password")
    if info.compress_type not in METHODS:
        raise _unsafe(info.filename, "it is compressed in a way that not every system reads")


def _check_count(count: int) -> None:
    if count > MOST_FILES:
        raise FingerprintError(FingerprintErrorCode.DATA_TOO_LARGE, f"a collection has at most {MOST_FILES} files")


def _check_name(name: str) -> None:
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        raise _unsafe(name, "its name is not UTF-8") from None
    parts = name.split("/")
    if not 0 < len(encoded) <= _LONGEST_NAME or any(part in ("", ".", "..") for part in parts):
        raise _unsafe(name, "its name leads out of the collection, or is none")
    if any(ord(letter) < ord(" ") or letter in _FORBIDDEN for letter in name):
        raise _unsafe(name, "its name has signs that not every system takes")


def _folded(name: str) -> str:
    """Return what names have in common that some system takes for the same."""
    return unicodedata.ucd_3_2_0.normalize("NFC", name).casefold()


def _unsafe(name: str, why: str) -> FingerprintError:
    return FingerprintError(FingerprintErrorCode.ARCHIVE_UNSAFE, f"{_shown(name)}: {why}")


def _shown(name: str) -> str:
    # For a terminal: no sign of it may do anything there.
    return ascii(name if len(name) <= 80 else name[:77] + "...")
