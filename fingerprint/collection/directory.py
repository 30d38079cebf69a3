"""How many entries a zip archive says it has, read from its last record before its directory is taken into memory."""

import os
import struct
from typing import BinaryIO, Final

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["count_entries"]

# APPNOTE.TXT of the zip format: sections 4.3.16, 4.3.15 and 4.3.14.
_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT: Final = 0xFFFF
_IN_THE_OTHER: Final = 0xFFFF


def count_entries(file: BinaryIO) -> int:
    """Return how many entries the archive `file` has; it is left at any place.

    Raises:
        FingerprintError: ``not_an_archive``.
    """
    length = file.seek(0, os.SEEK_END)
    start = max(length - _END.size - _LONGEST_COMMENT, 0)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise FingerprintError(FingerprintErrorCode.NOT_AN_ARCHIVE, "cut off, or no zip archive")
    count = _END.unpack_from(tail, at)[4]
    if count != _IN_THE_OTHER or start + at < _LOCATOR.size:
        return int(count)
    file.seek(start + at - _LOCATOR.size)
    signature, _, offset, _ = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if signature != b"PK\x06\x07":
        return int(count)
    file.seek(offset)
    record = file.read(_END_64.size)
    if len(record) != _END_64.size or not record.startswith(b"PK\x06\x06"):
        raise FingerprintError(FingerprintErrorCode.NOT_AN_ARCHIVE, "the archive's directory is broken")
    return int(_END_64.unpack(record)[7])
