"""WebP: its canvas is measured before its decoder sees the file, which makes two of that size by opening it."""

import io

from PIL import Image

from countermark.fingerprint.image.limits import check_size

__all__ = ["open_webp"]

_EXTENDED = b"VP8X"


def open_webp(data: bytes) -> Image.Image:
    """Return the first frame of `data` on its canvas, not decoded yet.

    Raises:
        FingerprintError: ``image_too_large``.
    """
    if data[12:16] == _EXTENDED:
        check_size(*(1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27)))
    return Image.open(io.BytesIO(data), formats=("WEBP",))
