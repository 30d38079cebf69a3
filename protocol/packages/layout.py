r"""The package's bytes.

::

    magic              8 bytes  b"cmpkg/1\n"
    header length      4 bytes, big-endian                                  } leaf 0
    header             canonical JSON (`PackageHeader`)
    wrap length        4 bytes, big-endian: 1232
    wrap               HPKE to the buyer's one-time key: K, salt_f, salt_exact } leaf 1
    body length        8 bytes, big-endian: bytes that follow
    chunks             1 MiB + 16 bytes each, the last one shorter or equal    leaves 2…

The chunks are the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over AES-256-GCM: the nonce is the
chunk's number and a flag on the last, so that none can be dropped, moved or added; the digest of all before the
chunks is authenticated with each. Their plaintext is the data's true size in 8 bytes, the data, and zeros up to a
Padmé length (Nikitin et al. 2019, section 4.2), which hides all but the magnitude of the size: at most 12 % more.
"""

from dataclasses import dataclass
from typing import BinaryIO

from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import OVERHEAD

MAGIC = b"cmpkg/1\n"
LENGTH_BYTES = 4
SIZE_BYTES = 8

KEY_BYTES = 32
SECRET_BYTES = 96
"""K and two salts."""
WRAP_BYTES = SECRET_BYTES + OVERHEAD

CHUNK = 1 << 20
"""Plaintext bytes of each chunk but the last."""
TAG = 16
SEALED_CHUNK = CHUNK + TAG

MAX_HEADER = 4096
MAX_DATA = 1 << 50
"""Largest data, in bytes: far below what one AES-GCM key may encrypt in nonces, far above what is traded."""


def padme(length: int) -> int:
    """Return the Padmé length for ``length`` bytes: at least as many, and one of few possible values."""
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (length + mask) & ~mask


def padded_size(size: int) -> int:
    """Return how many bytes of plaintext the chunks of ``size`` bytes of data hold."""
    return padme(SIZE_BYTES + size)


@dataclass(frozen=True)
class Body:
    """The geometry of the chunks: how many, and how long."""

    plaintext: int
    """Bytes of plaintext in all chunks together."""

    @property
    def chunks(self) -> int:
        """How many chunks there are; at least one."""
        return -(-self.plaintext // CHUNK)

    @property
    def length(self) -> int:
        """Bytes of all chunks together, tags included."""
        return self.plaintext + TAG * self.chunks

    def sealed_length(self, number: int) -> int:
        """Return the bytes of chunk ``number``, tag included."""
        return self.plaintext_length(number) + TAG

    def plaintext_length(self, number: int) -> int:
        """Return the bytes of plaintext in chunk ``number``."""
        return min(CHUNK, self.plaintext - number * CHUNK)

    @classmethod
    def of_length(cls, length: int) -> "Body":
        """Return the geometry of chunks that take ``length`` bytes together.

        Raises:
            MarketError: PACKAGE_MALFORMED; no data gives chunks of such a length.
        """
        chunks = -(-length // SEALED_CHUNK)
        body = cls(length - TAG * chunks)
        if not SIZE_BYTES <= body.plaintext <= padded_size(MAX_DATA) or body.length != length:
            raise malformed("the body has an impossible length")
        if padme(body.plaintext) != body.plaintext:
            raise malformed("the body's length shows more of the data's size than Padmé does")
        return body


def nonce(number: int, *, last: bool) -> bytes:
    """Return the 12-byte nonce of chunk ``number``: its number, then whether it is the last."""
    return number.to_bytes(11, "big") + bytes([last])


def header_frame(header: bytes) -> bytes:
    """Return the bytes of leaf 0."""
    return MAGIC + len(header).to_bytes(LENGTH_BYTES, "big") + header


def wrap_frame(wrapped: bytes, body: Body) -> bytes:
    """Return the bytes of leaf 1."""
    return len(wrapped).to_bytes(LENGTH_BYTES, "big") + wrapped + body.length.to_bytes(SIZE_BYTES, "big")


def read_exactly(source: BinaryIO, length: int) -> bytes:
    """Return the next ``length`` bytes of a stream that may give fewer at a time.

    Raises:
        MarketError: PACKAGE_MALFORMED; the stream ends before.
    """
    first = source.read(length)
    if len(first) == length:
        return first
    parts, missing = [first], length - len(first)
    while missing:
        part = source.read(missing)
        if not part:
            raise malformed("the package ends early")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def malformed(detail: str) -> MarketError:
    """Return the error that the bytes are no package."""
    return MarketError(ErrorCode.PACKAGE_MALFORMED, detail)
