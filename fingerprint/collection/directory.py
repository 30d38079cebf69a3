"""How many entries a zip archive has, counted in its directory before that is taken into memory.

What the archive says of their number binds nobody: the standard library reads as many as its directory holds. So the
directory is sought where the library seeks it, and walked.
"""

import os
import struct
from typing import BinaryIO, Final

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["count_entries"]

# APPNOTE.TXT of the zip format: sections 4.3.16, 4.3.15, 4.3.14 and 4.3.12.
_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LONGEST_COMMENT: Final = 0xFFFF
_MOST_MORE: Final = 1 << 12
"""Bytes of a name, an extra field and a comment together: all of them are taken into memory."""


def count_entries(file: BinaryIO, most: int) -> int:
    """Return how many entries the archive `file` has, or `most` and one if it has more; it is left at any place.

    Raises:
        FingerprintError: ``not_an_archive`` or ``archive_unsafe``.
    """
    at, end = _directory(file)
    count = 0
    while at < end and count <= most:
        file.seek(at)
        entry = file.read(_ENTRY.size)
        if len(entry) != _ENTRY.size or not entry.startswith(b"PK\x01\x02"):
            raise FingerprintError(FingerprintErrorCode.NOT_AN_ARCHIVE, "the archive's directory is broken")
        more = sum(_ENTRY.unpack(entry)[10:13])  # name, extra field and comment
        if more > _MOST_MORE:
            raise FingerprintError(FingerprintErrorCode.ARCHIVE_UNSAFE, "its directory holds more than names")
        at += _ENTRY.size + more
        count += 1
    return count


def _directory(file: BinaryIO) -> tuple[int, int]:
    """Return where the directory begins, and where it ends: before the records that end the archive."""
    length = file.seek(0, os.SEEK_END)
    start = max(length - _END.size - _LONGEST_COMMENT, 0)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise FingerprintError(FingerprintErrorCode.NOT_AN_ARCHIVE, "cut off, or no zip archive")
    end, size = start + at, int(_END.unpack_from(tail, at)[5])
    before = end - _LOCATOR.size - _END_64.size
    if before >= 0:
        file.seek(before)
        record, locator = file.read(_END_64.size), file.read(_LOCATOR.size)
        if locator.startswith(b"PK\x06\x07") and record.startswith(b"PK\x06\x06"):
            if _LOCATOR.unpack(locator)[2] != before:
                # Which of two records counts is another thing from library to library.
                raise FingerprintError(FingerprintErrorCode.NOT_AN_ARCHIVE, "the archive's directory is broken")
            end, size = before, int(_END_64.unpack(record)[8])
    if size > end:
        raise FingerprintError(FingerprintErrorCode.NOT_AN_ARCHIVE, "the archive's directory is broken")
    return end - size, end
