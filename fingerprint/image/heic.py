"""HEIC by an optional decoder, and by one version of it alone.

What HEVC decodes to is fixed, but not how colour is made of it: another version of libheif may give other pixels, so
a fingerprint that the buyer's machine does not find again. Without that version a file is refused, never guessed at.
"""

import importlib
import io
from typing import Any, Final

from PIL import Image

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["DECODER", "open_heic"]

DECODER: Final = ("1.8.1", "1.23.6")
"""The versions of pillow-heif and, in its wheels, of libheif."""

_INSTALL: Final = "pip install 'countermark[heic]'"


def open_heic(data: bytes) -> Image.Image:
    """Return the primary picture of `data`, not decoded yet; turned by its own boxes once it is, not by EXIF.

    Raises:
        FingerprintError: ``decoder_missing``.
    """
    try:
        # By name: it need not be installed, and type checkers must not look for it.
        package = importlib.import_module("pillow_heif")
        plugin: Any = importlib.import_module("pillow_heif.as_plugin")
        found = (package.__version__, package.libheif_version())
    except ImportError as error:
        detail = f"this is HEIC, which is read with an optional decoder only: {_INSTALL}"
        raise FingerprintError(FingerprintErrorCode.DECODER_MISSING, detail) from error
    if found != DECODER:
        wanted, there = (f"pillow-heif {own} with libheif {library}" for own, library in (DECODER, found))
        detail = f"this is HEIC, which is read by {wanted} only, not by {there}: {_INSTALL}"
        raise FingerprintError(FingerprintErrorCode.DECODER_MISSING, detail)
    # Not registered with Pillow: nobody else in this process is to read HEIC because this part does.
    image: Image.Image = plugin.HeifImageFile(io.BytesIO(data))
    return image
