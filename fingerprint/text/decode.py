"""From the bytes of a text to its characters, in blocks, by what the bytes say.

* A byte order mark names UTF-8, UTF-16 or UTF-32. Without one UTF-16 is recognised where every other byte is nearly
  always zero, as in all languages of Latin letters.
* Everything else is UTF-8, and each byte that is not valid in it is a character of windows-1252. So Latin letters of
  either encoding are read, also mixed, and one broken byte spoils one word. Were a whole file read differently for
  it, a copy with one byte more would share no word with its original.
* A file is no text if more than 1 % of its characters, of its first 64 KiB or of all, are control characters or none
  at all; or if many of its first bytes are not UTF-8 and blanks are rare, as in sound, pixels and texts of encodings
  that are not read (Shift JIS, GBK).

What no encoding explains is kept as a lone surrogate, U+DC00 and the byte; `letters` knows what it stands for.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["MAX_TEXT_BYTES", "PREFIX_BYTES", "Encoding", "blocks", "encoding_of", "looks_like_text"]

PREFIX_BYTES: Final = 64 * 1024
"""By how much of its start a file is told to be a text, in bytes."""

MAX_TEXT_BYTES: Final = 1 << 30
"""The longest text that is read, in bytes."""

_BLOCK_BYTES: Final = 1 << 20
"""Bytes that are decoded at a time. Never to change: where blocks meet, a word of some thousand letters is cut."""

_MOST_BAD: Final = 100
"""At most one character in so many may be bad: a stray byte is forgiven, the many of a program are not."""

_FOREIGN: Final = 50
"""Where more than one byte in so many is not UTF-8, at least one in so many has to be blank."""

_WIDE_ZEROS: Final = 10
"""UTF-16 without a mark: the more frequent half of the zero bytes are one in so many, the others a tenth of them."""

_MARKS: Final = (
    # That of UTF-32 starts like that of UTF-16: the longer first.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_BLANKS: Final = b" \t\n\r\f"
_CONTROLS: Final = bytes(code for code in (*range(0x20), 0x7F) if code not in _BLANKS)
_UNDEFINED: Final = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
"""Bytes that windows-1252 has no character for."""

_MEANINGLESS: Final = tuple(chr(code) for code in (*(0xDC00 + byte for byte in _UNDEFINED), 0xFFFD, 0xFFFE, 0xFFFF))


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's bytes are read.

    Attributes:
        name: Of the codec, as Python calls it.
        mark: Bytes at the start that are no part of the text.
    """

    name: str
    mark: int

    def decoder(self) -> codecs.IncrementalDecoder:
        """Return a new decoder that accepts whatever comes."""
        errors = "surrogateescape" if self.name == "utf-8" else "replace"
        return codecs.getincrementaldecoder(self.name)(errors)


def looks_like_text(prefix: bytes) -> bool:
    """Return whether a file that starts with `prefix` (up to 64 KiB; more is not looked at) is a text."""
    return encoding_of(prefix) is not None


def encoding_of(prefix: bytes) -> Encoding | None:
    """Return how a file that starts with `prefix` is read as a text; None if it is no text."""
    prefix = prefix[:PREFIX_BYTES]
    encoding = _named(prefix)
    text = encoding.decoder().decode(prefix[encoding.mark :])
    if _bad(text) * _MOST_BAD > len(text) or not _has_enough_blanks(prefix, text):
        return None
    return encoding


def blocks(source: BinaryIO) -> Iterator[str]:
    """Yield the characters of the text that `source` yields, a block at a time.

    How much `source` gives at a time makes no difference.

    Raises:
        FingerprintError: ``empty_file``, ``not_text`` (possibly at its end only) or ``data_too_large``.
    """
    block = _read(source, _BLOCK_BYTES)
    if not block:
        raise FingerprintError(FingerprintErrorCode.EMPTY_FILE)
    encoding = encoding_of(block)
    if encoding is None:
        raise FingerprintError(FingerprintErrorCode.NOT_TEXT, "neither Unicode nor windows-1252")
    decoder = encoding.decoder()
    size, characters, bad = len(block), 0, 0
    block = block[encoding.mark :]
    last = False
    while not last:
        following = _read(source, _BLOCK_BYTES)
        last = not following
        size += len(following)
        if size > MAX_TEXT_BYTES:
            raise FingerprintError(FingerprintErrorCode.DATA_TOO_LARGE, f"more than {MAX_TEXT_BYTES} bytes")
        text = decoder.decode(block, last)
        characters += len(text)
        bad += _bad(text)
        yield text
        block = following
    if bad * _MOST_BAD > characters:
        raise FingerprintError(FingerprintErrorCode.NOT_TEXT, "control characters, though not at its start")


def _named(prefix: bytes) -> Encoding:
    for mark, name in _MARKS:
        if prefix.startswith(mark):
            return Encoding(name, len(mark))
    even, odd = prefix[::2].count(0), prefix[1::2].count(0)
    if max(even, odd) * _WIDE_ZEROS > len(prefix) and min(even, odd) * 10 <= max(even, odd):
        return Encoding("utf-16-be" if even > odd else "utf-16-le", 0)
    return Encoding("utf-8", 0)


def _bad(text: str) -> int:
    """Return how many characters of `text` no text has."""
    data = text.encode("utf-8", "surrogatepass")
    controls = len(data) - len(data.translate(None, _CONTROLS))
    return controls if len(data) == len(text) else controls + sum(map(text.count, _MEANINGLESS))


def _has_enough_blanks(prefix: bytes, text: str) -> bool:
    if text.isascii():
        return True
    foreign = len(text) - len(text.encode("utf-8", "ignore").decode())
    blank = len(prefix) - len(prefix.translate(None, _BLANKS))
    return foreign * _FOREIGN <= len(prefix) or blank * _FOREIGN >= len(prefix)


def _read(source: BinaryIO, size: int) -> bytes:
    """Return `size` bytes, fewer only at the end: a pipe may give less than it is asked for."""
    parts, missing = [], size
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
