"""How large a picture may be."""

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["MAX_FILE_BYTES", "MAX_PIXELS", "check_size"]

MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_PIXELS = 80_000_000
"""Below the size at which Pillow itself warns."""


def check_size(width: int, height: int) -> None:
    """Accept a picture of at most `MAX_PIXELS`.

    Raises:
        FingerprintError: ``image_too_large``.
    """
    if width * height > MAX_PIXELS:
        raise FingerprintError(FingerprintErrorCode.IMAGE_TOO_LARGE, f"{width} x {height} pixels")
