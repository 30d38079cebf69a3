"""Deflate (RFC 1951), unpacked in pieces whatever it expands to: with zlib's header and checksum, or with neither."""

import zlib
from collections.abc import Iterator

__all__ = ["Inflated"]


class Inflated:
    """Unpacks one stream.

    Attributes:
        rest: What followed the stream's end, None before the end.
    """

    def __init__(self, window_bits: int, piece_bytes: int) -> None:
        """Unpack with zlib's `window_bits`, at most `piece_bytes` at once."""
        self._codec = zlib.decompressobj(window_bits)
        self._piece_bytes = piece_bytes
        self.rest: bytes | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data`, which follow what was fed before, unpack to.

        Raises:
            zlib.error: They are no deflate stream, or damaged.
        """
        while True:
            piece = self._codec.decompress(data, self._piece_bytes)
            yield piece
            data = self._codec.unconsumed_tail
            if self._codec.eof:
                self.rest = self._codec.unused_data
                return
            # A full piece may have more behind it although all input is taken.
            if not data and len(piece) < self._piece_bytes:
                return
