"""What a compressed file may unpack to."""

from typing import Final

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["FREELY_UNPACKED", "MOST_RATIO", "MOST_UNPACKED", "Tally"]

MOST_UNPACKED: Final = 16 << 30
"""Bytes that a file may unpack to, all layers together."""

FREELY_UNPACKED: Final = 128 << 20
"""Bytes that even the smallest file may unpack to: a second or two of work."""

MOST_RATIO: Final = 256
"""Bytes beyond those that each byte of a file may unpack to. Data with content have below 50, zeros have 1,000."""


class Tally:
    """Counts what is read and what is unpacked, and stops a bomb."""

    def __init__(self) -> None:
        self._most = FREELY_UNPACKED
        self._unpacked = 0

    def read(self, count: int) -> None:
        """Count bytes of the file itself."""
        self._most = min(self._most + MOST_RATIO * count, MOST_UNPACKED)

    def unpacked(self, count: int) -> None:
        """Count bytes that came out of a compressed layer.

        Raises:
            FingerprintError: ``data_too_large``.
        """
        self._unpacked += count
        if self._unpacked > self._most:
            raise FingerprintError(
                FingerprintErrorCode.DATA_TOO_LARGE,
                f"unpacks to more than {MOST_UNPACKED >> 30} GiB or {MOST_RATIO} times its size",
            )
