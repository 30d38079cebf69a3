"""From the bytes of a picture to pixels, by rules that every version of the decoder keeps.

* JPEG, PNG, WebP, GIF, BMP and TIFF; the first frame of several.
* Sizes are checked on the header, before anything is decoded.
* A JPEG far larger than needed is decoded at 1/2, 1/4 or 1/8 of its size by the decoder itself.
* EXIF orientation is applied; orientation that cannot be read counts as upright, as viewers do.
* Colour profiles are ignored: numbers are taken as sRGB. Converting would bring the rounding of one colour library
  into every fingerprint, and a pirate can strip a profile anyway.
* Transparent pixels lie over white. Of 16 bits a channel the upper 8 count.
* Whatever a decoder raises becomes one `FingerprintError`.
"""

import io
import struct
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["DRAFT_SIDE", "MAX_FILE_BYTES", "MAX_PIXELS", "Pixels", "decode"]

Pixels = NDArray[np.uint8]
"""Height x width x 3: red, green, blue."""

MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_PIXELS = 80_000_000
"""Below the size at which Pillow itself warns."""

DRAFT_SIDE = 320
"""A JPEG is reduced while decoding as long as both sides keep this many pixels."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_ORIENTATION = 0x0112
_BAND_ROWS = 64
_WIDE_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def decode(source: BinaryIO) -> Pixels:
    """Return the picture that `source` yields, upright, at full size or reduced by the JPEG decoder.

    Raises:
        FingerprintError: ``empty_file``, ``image_too_large`` or ``not_an_image``.
        OSError: `source` itself cannot be read.
    """
    data = source.read(MAX_FILE_BYTES + 1)
    if not data:
        raise FingerprintError(FingerprintErrorCode.EMPTY_FILE)
    if len(data) > MAX_FILE_BYTES:
        raise FingerprintError(FingerprintErrorCode.IMAGE_TOO_LARGE, f"more than {MAX_FILE_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata; sizes are refused below, and nobody reads warnings of a server.
            warnings.simplefilter("ignore")
            return _decode(data)
    except FingerprintError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise FingerprintError(FingerprintErrorCode.IMAGE_TOO_LARGE) from error
    # Decoders raise whatever a broken file leads them to (OSError, ValueError, SyntaxError, TypeError, struct.error,
    # IndexError and others have been seen): there is no narrower class that covers them.
    except Exception as error:
        raise FingerprintError(FingerprintErrorCode.NOT_AN_IMAGE, type(error).__name__) from error


def _decode(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise FingerprintError(FingerprintErrorCode.IMAGE_TOO_LARGE, f"{width} x {height} pixels")
        image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
        image.load()
        return _upright(_colours(image), _orientation(image))


def _colours(image: Image.Image) -> Pixels:
    if image.mode == "F":
        raise FingerprintError(FingerprintErrorCode.NOT_AN_IMAGE, "floating-point pixels")
    if image.mode in _WIDE_GREY:
        return _by_bands(image, _upper_bits)
    if image.has_transparency_data:
        return _by_bands(image, _over_white)
    return _by_bands(image, lambda band: np.asarray(band.convert("RGB")))


def _by_bands(image: Image.Image, convert: Callable[[Image.Image], Pixels]) -> Pixels:
    """Return `convert` of all rows, some at a time: its copies and wide intermediate values must not fill the memory.

    So a picture takes its own decoded bytes, four for most pixels, and three more for what is returned.
    """
    width, height = image.size
    converted = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, height)
        converted[top:bottom] = convert(image.crop((0, top, width, bottom)))
    return converted


def _upper_bits(band: Image.Image) -> Pixels:
    levels = np.clip(np.asarray(band).astype(np.int64), 0, 0xFFFF) >> 8
    return np.repeat(levels.astype(np.uint8)[:, :, np.newaxis], 3, axis=2)


def _over_white(band: Image.Image) -> Pixels:
    layers = np.asarray(band.convert("RGBA")).astype(np.uint32)
    colour, alpha = layers[:, :, :3], layers[:, :, 3:]
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    try:
        value: Any = image.getexif().get(_ORIENTATION, 1)
    except (ArithmeticError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return `pixels` as EXIF `orientation` (1 to 8) means them to be seen."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
