"""TIFF: the first picture of a file, where its directory describes one whose pixels are read as they are meant."""

import io
from typing import Final

from PIL import Image, TiffImagePlugin

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["MAX_TILE_PIXELS", "open_tiff"]

MAX_TILE_PIXELS: Final = 1 << 24
"""A tile is unpacked as a whole, however small the picture is."""

_SUBFILE_TYPE, _BITS, _PHOTOMETRIC, _TILE_WIDTH, _TILE_HEIGHT = 254, 258, 262, 322, 323
_REDUCED: Final = 1
_WHITE_IS_ZERO: Final = 0


def open_tiff(data: bytes) -> Image.Image:
    """Return the first picture of `data`, not decoded yet; decoding it turns it upright.

    Raises:
        FingerprintError: ``image_too_large`` for tiles above `MAX_TILE_PIXELS`; ``unsupported_format`` for a preview
            in front of a camera's raw picture, and for grey of 9 to 15 bits or of 16 from white to black.
    """
    image = Image.open(io.BytesIO(data), formats=("TIFF",))
    # It would turn the picture, too, which EXIF alone does.
    image.info.pop("xmp", None)
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    tags = image.tag_v2
    if int(tags.get(_TILE_WIDTH, 0)) * int(tags.get(_TILE_HEIGHT, 0)) > MAX_TILE_PIXELS:
        raise FingerprintError(FingerprintErrorCode.IMAGE_TOO_LARGE, f"tiles of more than {MAX_TILE_PIXELS} pixels")
    if int(tags.get(_SUBFILE_TYPE, 0)) & _REDUCED:
        raise _unsupported("the first picture of this TIFF is a preview of another one")
    if image.mode.startswith("I;16"):
        if tags.get(_BITS) != (16,):
            raise _unsupported("TIFF with grey of 9 to 15 bits is not read")
        if int(tags.get(_PHOTOMETRIC, 1)) == _WHITE_IS_ZERO:
            raise _unsupported("TIFF with grey of 16 bits from white to black is not read")
    return image


def _unsupported(detail: str) -> FingerprintError:
    return FingerprintError(FingerprintErrorCode.UNSUPPORTED_FORMAT, detail)
