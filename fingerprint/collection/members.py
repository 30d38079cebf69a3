"""The files of a zip archive, read so that no other program finds more in it, or something else.

Programs read archives by their directory or from their beginning; what only some of them see would be sold without
ever being compared. So the files fill the archive without gaps, the two accounts of each agree, and each ends where
these say.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipInfo

from countermark.fingerprint.deflate import Inflated

__all__ = ["METHODS", "check_layout", "unpacked"]

METHODS: Final = (ZIP_STORED, ZIP_DEFLATED)
"""Those of ISO/IEC 21320-1. Others may ask for gigabytes before the first byte is unpacked."""

# APPNOTE.TXT of the zip format: sections 4.3.7 and 4.3.9.
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_DESCRIPTORS: Final = frozenset({12, 16, 20, 24})
"""Bytes of a data descriptor: with or without signature, with sizes of four or of eight bytes."""

_DESCRIBED: Final = 1 << 3
"""The flag of a file that a data descriptor follows, since its sizes were not known when it began."""

_IN_EXTRA: Final = 0xFFFF_FFFF
_PIECE: Final = 1 << 20


def check_layout(file: BinaryIO, members: Sequence[ZipInfo], end: int) -> None:
    """Check that `members`, all that the directory at `end` names, are all that there is before it.

    Raises:
        BadZipFile: They are not.
    """
    at = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        gap = member.header_offset - at
        if gap:
            raise BadZipFile("there is something between its files")
        at = _start(file, member) + member.compress_size
        if member.flag_bits & _DESCRIBED:
            at = _after_descriptor(file, at, end)
    if at != end:
        raise BadZipFile("there is something between its files and its directory")


def unpacked(file: BinaryIO, member: ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces.

    Raises:
        BadZipFile: It is not what the directory says.
        zlib.error: It is broken.
    """
    file.seek(_start(file, member))
    inflated = Inflated(-zlib.MAX_WBITS, _PIECE) if member.compress_type == ZIP_DEFLATED else None
    left, size, checksum = member.compress_size, 0, 0
    while left and (packed := file.read(min(left, _PIECE))):
        left -= len(packed)
        if inflated is not None and inflated.rest is not None:
            raise BadZipFile("something follows its end")
        for piece in (packed,) if inflated is None else inflated.feed(packed):
            size += len(piece)
            if size > member.file_size:
                raise BadZipFile("it is longer than the directory says")
            checksum = zlib.crc32(piece, checksum)
            yield piece
    ended = inflated is None or inflated.rest == b""
    if left or not ended or (size, checksum) != (member.file_size, member.CRC):
        raise BadZipFile("it is not what the directory says")


def _start(file: BinaryIO, member: ZipInfo) -> int:
    """Return where a file's bytes begin: after its header there, which has to agree with the directory."""
    file.seek(member.header_offset)
    header = file.read(_LOCAL.size)
    if len(header) != _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise BadZipFile("it is not where the directory says")
    flags, method, _, _, checksum, packed, size, name, extra = map(int, _LOCAL.unpack(header)[2:])
    encoded = file.read(name)
    expected = member.orig_filename.encode("utf-8" if member.flag_bits & 0x800 else "cp437")
    told = (checksum, packed, size) == (member.CRC, member.compress_size, member.file_size)
    later = flags & _DESCRIBED or _IN_EXTRA in (packed, size)
    if encoded != expected or (flags, method) != (member.flag_bits, member.compress_type) or not (told or later):
        raise BadZipFile("it says otherwise than the directory")
    return member.header_offset + _LOCAL.size + name + extra


def _after_descriptor(file: BinaryIO, at: int, end: int) -> int:
    """Return where the data descriptor at `at` ends: before the next file, or before the directory at `end`."""
    file.seek(at)
    behind = file.read(max(_DESCRIPTORS) + 4)
    for length in sorted(_DESCRIPTORS):
        if at + length == end or behind[length : length + 4] == b"PK\x03\x04":
            return at + length
    raise BadZipFile("there is something between its files")
