"""The beginning of a file, looked at before it is read; and its text."""

import codecs
import io
import re
from typing import BinaryIO, Final

from countermark.fingerprint.text.decode import encoding_of

__all__ = ["BINARY", "HEAD_BYTES", "PARQUET", "PARQUET_ENCRYPTED", "Peeked", "decoded", "text_of"]

PARQUET: Final = b"PAR1"
PARQUET_ENCRYPTED: Final = b"PARE"
"""How Parquet begins and ends."""

HEAD_BYTES: Final = 65_536
"""How much of a file tells what it is."""

BINARY: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Control characters that no text has."""

_FALLBACK: Final = "countermark-windows-1252"
_BLOCK: Final = 1 << 18


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    # Five bytes have no meaning in windows-1252: they are taken as in ISO 8859-1, as browsers do.
    letters = [bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in wrong]
    return "".join(letters), error.end


codecs.register_error(_FALLBACK, _as_windows_1252)


class Peeked(io.RawIOBase):
    """A source whose beginning was looked at, read from its beginning; closing it leaves the source open."""

    def __init__(self, source: BinaryIO) -> None:
        """Look at the beginning of `source`."""
        super().__init__()
        self._source = source
        self._left = self.head = _exactly(source, HEAD_BYTES)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # of buffers, these two
        """Fill `buffer` with what comes next, and return how many bytes that is."""
        data = self._left[: len(buffer)] or self._source.read(len(buffer))
        self._left = self._left[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def text_of(source: Peeked) -> io.TextIOWrapper:
    """Return the text of `source`, of whatever encoding a text may be: UTF-8 with windows-1252 what is not UTF-8."""
    encoding, errors = _encoding(source.head)
    return io.TextIOWrapper(io.BufferedReader(source, _BLOCK), encoding, errors, newline="")


def decoded(head: bytes) -> str | None:
    """Return the text that `head`, the beginning of a file, is; None where it is none."""
    encoding, errors = _encoding(head)
    text = head.decode(encoding, errors)
    return None if BINARY.search(text) else text


def _encoding(head: bytes) -> tuple[str, str]:
    """Return codec and handler of errors of a text that begins with `head`."""
    found = encoding_of(head)
    if found is None or found.name == "utf-8":
        return "utf-8-sig", _FALLBACK
    # The codecs without an order of bytes in their name take the mark off, and go by it.
    return (found.name.rsplit("-", 1)[0] if found.mark else found.name), "replace"


def _exactly(source: BinaryIO, count: int) -> bytes:
    parts = []
    while count and (part := source.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
