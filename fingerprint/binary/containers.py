"""The compressed forms that are looked into: gzip, bzip2, xz, lzma and zlib, whichever library reads them.

What comes out of a broken one before the break is used: otherwise one wrong byte at the end, over which every
unpacker only complains, would hide a copy. So that this depends on the bytes alone they are unpacked in small pieces,
and what the piece with the break held is dropped. A checksum that does not hold is a break too, except gzip's, which
is not looked at: there all data are out by then.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from countermark.fingerprint.deflate import Inflated
from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["HEAD_BYTES", "PIECE_BYTES", "BrokenError", "Form", "Unpacker", "form_of"]

HEAD_BYTES: Final = 64
"""Bytes of a file from which its form is told: they hold what the first block of an xz file asks for."""

PIECE_BYTES: Final = 1 << 14
"""Most bytes that are unpacked at once."""

_MOST_DICTIONARY: Final = 64 << 20
"""Largest dictionary of xz and lzma, in bytes: what their highest preset asks for."""

_MEMORY_LIMIT: Final = _MOST_DICTIONARY * 5 // 4
"""Memory that may be asked for: between that of the largest dictionary and that of the next size, 96 MiB, so that
versions of the library, which count a little differently, agree."""

_XZ_HEADER: Final = 12
_LZMA2: Final = 0x21
_XZ_FILTERS: Final = frozenset({_LZMA2, *range(3, 10)})
"""LZMA2, delta, and those for machine code of six processors; later ones are not in every version of the library."""
_LZMA2_MOST_DICTIONARY: Final = 28
"""How LZMA2 writes `_MOST_DICTIONARY`."""

_GZIP_TRAILER: Final = 8
_GZIP_MOST_HEADER: Final = 1 << 17
"""A gzip header's extra field has up to 64 KiB; name and comment have no end that is stated."""

_UNKNOWN_SIZE: Final = 0xFFFFFFFFFFFFFFFF
_MOST_LZMA_SIZE: Final = 1 << 38


class BrokenError(Exception):
    """What was read is not what the form allows; private to this part."""


class Unpacker(Protocol):
    """Unpacks one member of a compressed file.

    Attributes:
        rest: What followed the member's end, None before the end.
    """

    rest: bytes | None

    def feed(self, data: bytes, /) -> Iterator[bytes]:
        """Yield what `data`, which follow what was fed before, unpack to, `PIECE_BYTES` at most at once.

        Raises:
            BrokenError: The data are none of this form, or damaged.
        """


@dataclass(frozen=True, slots=True)
class Form:
    """A compressed form.

    Attributes:
        name: For people.
        begins: Whether a file's head may be one's.
        open: Returns what unpacks one with a given head; raises a `FingerprintError` where it cannot be unpacked.
        sure: Whether `begins` is hardly ever wrong. Where it may be, only what unpacks without a fault is one.
    """

    name: str
    begins: Callable[[bytes], bool]
    open: Callable[[bytes], Unpacker]
    sure: bool


class _Blockwise:
    """Unpacks with a decompressor of the modules ``bz2`` and ``lzma``, which are used alike."""

    def __init__(self, codec: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._codec = codec
        self.rest: bytes | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Unpacker`."""
        try:
            yield self._codec.decompress(data, PIECE_BYTES)
            while not (self._codec.eof or self._codec.needs_input):
                yield self._codec.decompress(b"", PIECE_BYTES)
        except (OSError, ValueError, EOFError, lzma.LZMAError) as error:
            raise BrokenError from error
        if self._codec.eof:
            self.rest = self._codec.unused_data


class _Deflated(Inflated):
    """Unpacks deflate: with zlib's header and checksum, or with neither."""

    def __init__(self, window_bits: int) -> None:
        super().__init__(window_bits, PIECE_BYTES)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Unpacker`."""
        try:
            yield from super().feed(data)
        except zlib.error as error:
            raise BrokenError from error


class _Gzip:
    """Unpacks one gzip member (RFC 1952): header and trailer are read here, so that the checksum can be let be."""

    def __init__(self) -> None:
        self._header: bytes | None = b""
        self._deflated = _Deflated(-zlib.MAX_WBITS)
        self._trailer = 0
        self.rest: bytes | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Unpacker`."""
        if self._header is not None:
            self._header += data
            length = _gzip_header(self._header)
            if length is None:
                if len(self._header) > _GZIP_MOST_HEADER:
                    raise BrokenError
                return
            data, self._header = self._header[length:], None
        if self._deflated.rest is None:
            yield from self._deflated.feed(data)
            if self._deflated.rest is None:
                return
            data = self._deflated.rest
        skipped = min(_GZIP_TRAILER - self._trailer, len(data))
        self._trailer += skipped
        if self._trailer == _GZIP_TRAILER:
            self.rest = data[skipped:]


def _gzip_header(data: bytes) -> int | None:
    """Return how many bytes of `data` a gzip header takes, or None if it ends after them."""
    if len(data) < 10:
        return None
    flags, at = data[3], 10
    if flags & 0x04:
        if len(data) < at + 2:
            return None
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for named in (0x08, 0x10):
        if flags & named:
            end = data.find(b"\0", at)
            if end < 0:
                return None
            at = end + 1
    at += 2 * bool(flags & 0x02)
    return at if at <= len(data) else None


def _begins_gzip(head: bytes) -> bool:
    # Method 8 is deflate, and the reserved flags are zero.
    return head[:3] == b"\x1f\x8b\x08" and len(head) > 3 and not head[3] & 0xE0


def _begins_bzip2(head: bytes) -> bool:
    # Then a block begins, or the stream ends: the decimal digits of pi and of its square root.
    blocks = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")
    return head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in blocks


def _begins_xz(head: bytes) -> bool:
    return head[:6] == b"\xfd7zXZ\x00"


def _begins_lzma(head: bytes) -> bool:
    if len(head) < 14 or head[0] >= 9 * 5 * 5 or head[13]:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    size = int.from_bytes(head[5:13], "little")
    top = dictionary.bit_length() - 1
    return (
        4096 <= dictionary <= _MOST_DICTIONARY
        # The sizes that are in use; older versions of the library take others, newer ones do not.
        and dictionary in (1 << top, 3 << (top - 1))
        and (size == _UNKNOWN_SIZE or size < _MOST_LZMA_SIZE)
    )


def _begins_zlib(head: bytes) -> bool:
    # RFC 1950: deflate with a window of 32 KiB at most, no dictionary, and a check of the two bytes.
    return (
        len(head) > 1
        and head[0] & 0x0F == 8
        and head[0] >> 4 <= 7
        and not head[1] & 0x20
        and int.from_bytes(head[:2]) % 31 == 0
    )


def _unxz(head: bytes) -> Unpacker:
    if not _readable_xz(head):
        # Taken as it is, it would be a way to hide things.
        raise FingerprintError(
            FingerprintErrorCode.UNSUPPORTED_FORMAT,
            f"xz with a rare filter or a dictionary of more than {_MOST_DICTIONARY >> 20} MiB",
        )
    return _Blockwise(lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_LIMIT))


def _readable_xz(head: bytes) -> bool:
    """Return whether the first block asks for nothing that versions of the library do differently.

    The others of a file are made the same way by every program that we know; one that is not counts as a break.
    """
    block = head[_XZ_HEADER:]
    if len(block) < HEAD_BYTES - _XZ_HEADER or not block[0]:
        # Too short for any content, or none.
        return True
    flags, at = block[1], 2
    for sized in (0x40, 0x80):
        if flags & sized:
            # A number ends with the first byte below 128.
            at = next((end + 1 for end in range(at, len(block)) if block[end] < 0x80), len(block))
    for _ in range((flags & 0x03) + 1):
        if at + 2 >= len(block) or block[at] not in _XZ_FILTERS:
            return False
        if block[at] == _LZMA2 and block[at + 2] > _LZMA2_MOST_DICTIONARY:
            return False
        at += 2 + block[at + 1]
    return True


def _unlzma(_: bytes) -> Unpacker:
    return _Blockwise(lzma.LZMADecompressor(lzma.FORMAT_ALONE, _MEMORY_LIMIT))


_FORMS: Final = (
    Form("gzip", _begins_gzip, lambda _: _Gzip(), sure=True),
    Form("bzip2", _begins_bzip2, lambda _: _Blockwise(bz2.BZ2Decompressor()), sure=True),
    Form("xz", _begins_xz, _unxz, sure=True),
    Form("lzma", _begins_lzma, _unlzma, sure=False),
    Form("zlib", _begins_zlib, lambda _: _Deflated(zlib.MAX_WBITS), sure=False),
)


def form_of(head: bytes) -> Form | None:
    """Return the form of a file that begins with `head`, `HEAD_BYTES` of it or all; None if it is not compressed."""
    return next((form for form in _FORMS if form.begins(head)), None)
