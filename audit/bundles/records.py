"""The file of a bundle: a line that names format and version, then one zlib stream (RFC 1950) of records.

A record is a letter, the length of what follows (four bytes, the highest first), and that: ``M`` the manifest, ``B``
a block (common.Block) for each from number 0 on, ``E`` the closing. Nothing may follow, in the stream or behind it.
Reading and writing go forward, a piece at a time; what a record claims to be long is believed as it comes.
"""

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from countermark.audit.bundles.manifest import Closing, Manifest, parse_closing, parse_manifest
from countermark.audit.errors import AuditError

MAGIC: Final = b"countermark-bundle 1\n"

LONGEST_BLOCK: Final = 100 << 20
"""Longest block, in bytes: Fabric's own bound on a message."""

_LONGEST: Final = {b"M": 4096, b"B": LONGEST_BLOCK, b"E": 40}
_HEAD = 5
_PIECE = 1 << 16
_LEVEL = 3
"""Certificates stand in every transaction and compress at any level; the higher ones take as long as signing."""


class BundleWriter:
    """Writes a bundle to ``out``, which is the caller's to close."""

    def __init__(self, out: BinaryIO, manifest: Manifest) -> None:
        self._out = out
        self._stream = zlib.compressobj(_LEVEL)
        self._digest = hashlib.sha256()
        self._blocks = 0
        out.write(MAGIC)
        self._add(b"M", manifest.to_bytes())

    def add(self, block: bytes) -> None:
        """Write the next block (bytes of common.Block).

        Raises:
            AuditError: ``malformed_bundle``; it is longer than a reader would take.
        """
        if len(block) > LONGEST_BLOCK:
            raise AuditError("malformed_bundle", f"a block of {len(block)} bytes", block=self._blocks)
        self._add(b"B", block)
        self._blocks += 1

    def end(self) -> bytes:
        """Write the end, and return the digest by which the bundle is known."""
        closing = Closing(self._blocks, self._digest.digest())
        self._add(b"E", closing.to_bytes())
        self._out.write(self._stream.flush())
        return closing.digest

    def _add(self, kind: bytes, data: bytes) -> None:
        record = kind + len(data).to_bytes(4, "big") + data
        self._digest.update(record)
        self._out.write(self._stream.compress(record))


class BundleReader:
    """Reads a bundle from ``source``: its manifest at once, its blocks as `blocks` is gone through.

    Raises:
        AuditError: ``unsupported_bundle``, ``malformed_bundle``.
    """

    def __init__(self, source: BinaryIO) -> None:
        if source.read(len(MAGIC)) != MAGIC:
            raise AuditError("unsupported_bundle", f"it does not begin with {MAGIC.decode().strip()!r}")
        self._source = source
        self._stream = zlib.decompressobj()
        self._have, self._taken = b"", 0
        """Bytes out of the stream, and how many of them have been taken."""
        self._digest = hashlib.sha256()
        self.digest = b""
        """By what the bundle is known, once all of it has been read."""
        kind, data = self._record(0)
        if kind != b"M":
            raise AuditError("malformed_bundle", "it does not begin with a manifest")
        self.manifest = parse_manifest(data)

    def blocks(self) -> Iterator[bytes]:
        """Give the bytes of each block in order; after the last one all that the file claims has been checked.

        Raises:
            AuditError: ``malformed_bundle``, ``bundle_differs``.
        """
        number = 0
        while True:
            before = self._digest.digest()
            kind, data = self._record(number)
            if kind == b"E":
                break
            if kind != b"B":
                raise AuditError("malformed_bundle", "it has a second manifest", block=number)
            yield data
            number += 1
        closing = parse_closing(data)
        self._check_end(number)
        if closing != Closing(number, before):
            raise AuditError("bundle_differs", "it holds something else than its closing says", block=number)
        self.digest = before

    def _record(self, block: int) -> tuple[bytes, bytes]:
        head = self._take(_HEAD, block)
        kind, length = head[:1], int.from_bytes(head[1:], "big")
        if length > _LONGEST.get(kind, -1):
            raise AuditError("malformed_bundle", "a record of a kind or length that there is not", block=block)
        data = self._take(length, block)
        self._digest.update(head)
        self._digest.update(data)
        return kind, data

    def _take(self, length: int, block: int) -> bytes:
        """Return the next ``length`` bytes out of the stream."""
        if len(self._have) - self._taken < length:
            self._fill(length, block)
        start, self._taken = self._taken, self._taken + length
        return self._have[start : self._taken]

    def _fill(self, length: int, block: int) -> None:
        """Have at least ``length`` bytes that nobody has taken yet."""
        pieces = [self._have[self._taken :]]
        have = len(pieces[0])
        while have < length:
            piece = self._more(block)
            if not piece:
                raise AuditError("malformed_bundle", "it ends in the midst of a record", block=block)
            pieces.append(piece)
            have += len(piece)
        self._have, self._taken = b"".join(pieces), 0

    def _more(self, block: int) -> bytes:
        """Return what comes next out of the stream, at most a piece; empty at its end or that of the file."""
        try:
            while not self._stream.eof:
                compressed = self._stream.unconsumed_tail or self._source.read(_PIECE)
                piece = self._stream.decompress(compressed, _PIECE)
                if piece or not compressed:
                    return piece
        except zlib.error as error:
            raise AuditError("malformed_bundle", f"it does not decompress: {error}", block=block) from error
        return b""

    def _check_end(self, block: int) -> None:
        if len(self._have) > self._taken or self._more(block):
            raise AuditError("malformed_bundle", "something follows its closing", block=block)
        if not self._stream.eof:
            raise AuditError("malformed_bundle", "its last bytes are missing", block=block)
        if self._stream.unused_data or self._source.read(1):
            raise AuditError("malformed_bundle", "something follows its stream", block=block)
