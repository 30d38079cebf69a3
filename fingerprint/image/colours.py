"""From a decoder's pixels, of whatever kind, to red, green and blue of 8 bits."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["Pixels", "check_mode", "colours"]

Pixels = NDArray[np.uint8]
"""Height x width x 3: red, green, blue."""

_BAND_ROWS = 64
_WIDE_GREY: Final = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
_READ: Final = _WIDE_GREY | {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}
_NOT_READ: Final = {"F": "floating-point pixels", "I": "pixels of 32 bits or with a sign", "LAB": "L*a*b* pixels"}


def check_mode(mode: str) -> None:
    """Accept `mode`, Pillow's name of a kind of pixels, only if `colours` takes it.

    Raises:
        FingerprintError: ``unsupported_format``.
    """
    if mode not in _READ:
        kind = _NOT_READ.get(mode, "pixels of a rare kind")
        raise FingerprintError(FingerprintErrorCode.UNSUPPORTED_FORMAT, f"{kind} are not read")


def colours(image: Image.Image) -> Pixels:
    """Return the colours of a decoded picture."""
    if image.mode in _WIDE_GREY:
        key = image.info.get("transparency")
        return _by_bands(image, lambda band: _upper_bits(band, key if isinstance(key, int) else None))
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


def _upper_bits(band: Image.Image, key: int | None) -> Pixels:
    levels = (np.asarray(band).astype(np.uint16) >> 8).astype(np.uint8)
    if key is not None:
        levels[levels == key] = 255
    return np.repeat(levels[:, :, np.newaxis], 3, axis=2)


def _over_white(band: Image.Image) -> Pixels:
    layers = np.asarray(band.convert("RGBA")).astype(np.uint32)
    colour, alpha = layers[:, :, :3], layers[:, :, 3:]
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
