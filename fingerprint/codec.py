"""Canonical bytes of a fingerprint: a header with the generator's id, then typed segments (paper section III.C).

Layout, every integer big-endian and unsigned::

    "CMFP"  format:u8=1  id_length:u8  generator id (ASCII)  segments:u8
    then for each segment:  name_length:u8  name (ASCII)  length:u32  payload

A fingerprint has one encoding: segments stand in the order that its generator declares, lengths are those of the
declaration, and nothing follows the last payload. Parsing accepts exactly that, so the commitment to the bytes is a
commitment to the fingerprint.

A fingerprint shows what it was made from: it is confidential, and its ``repr`` holds no payload.
"""

import struct
from dataclasses import dataclass, field

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["MAX_FINGERPRINT_BYTES", "Fingerprint", "Segment"]

MAX_FINGERPRINT_BYTES = 64 * 1024
"""The longest encoding of any generator, in bytes; a generator's own limit is usually far lower."""

_MAGIC = b"CMFP\x01"
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Segment:
    """One feature of a fingerprint, for example a colour histogram: its name and payload."""

    name: str
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A fingerprint: the id of the generator that made it, for example ``image/v1``, and its segments.

    Raises:
        FingerprintError: ``unknown_generator``, or ``fingerprint_malformed`` where the segments are not those that
            the generator declares.
    """

    generator: str
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        # The registry declares what a generator's segments are and itself speaks of fingerprints.
        from countermark.fingerprint.registry import layout_of

        layout_of(self.generator).check(self.segments)

    @property
    def kind(self) -> str:
        """The kind of the data, for example ``image``."""
        return self.generator.partition("/")[0]

    def segment(self, name: str) -> bytes:
        """Return the payload of the segment called `name`, which the generator must declare."""
        return next(segment.payload for segment in self.segments if segment.name == name)

    def to_bytes(self) -> bytes:
        """Return the canonical bytes."""
        parts = [_MAGIC, _short(self.generator), bytes([len(self.segments)])]
        for segment in self.segments:
            parts += [_short(segment.name), _LENGTH.pack(len(segment.payload)), segment.payload]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Fingerprint":
        """Return the fingerprint of which `data` are the canonical bytes.

        Raises:
            FingerprintError: ``fingerprint_malformed`` or ``unknown_generator``.
        """
        if len(data) > MAX_FINGERPRINT_BYTES:
            raise _malformed(f"longer than {MAX_FINGERPRINT_BYTES} bytes")
        reader = _Reader(data)
        if reader.take(len(_MAGIC)) != _MAGIC:
            raise _malformed("not a fingerprint of format 1")
        generator = reader.short()
        segments = []
        for _ in range(reader.byte()):
            name = reader.short()
            (length,) = _LENGTH.unpack(reader.take(_LENGTH.size))
            segments.append(Segment(name, reader.take(length)))
        reader.end()
        return cls(generator, tuple(segments))


class _Reader:
    """Takes fields off the front of bytes and refuses to read past their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise _malformed("truncated")
        self._at += length
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def short(self) -> str:
        try:
            return self.take(self.byte()).decode("ascii")
        except UnicodeDecodeError as error:
            raise _malformed("a name is not ASCII") from error

    def end(self) -> None:
        if self._at != len(self._data):
            raise _malformed("bytes after the last segment")


def _short(text: str) -> bytes:
    data = text.encode("ascii")
    return bytes([len(data)]) + data


def _malformed(detail: str) -> FingerprintError:
    return FingerprintError(FingerprintErrorCode.FINGERPRINT_MALFORMED, detail)
