"""From the bytes of a picture to pixels, by rules that every version of the decoder keeps.

* JPEG, PNG, WebP, GIF, BMP, TIFF, and HEIC with its optional decoder: by its first bytes, not by its name.
* AVIF is refused: wheels of Pillow hold various decoders of it, which need not give the same pixels.
* The first frame of several; of an animated PNG the picture that viewers without animation show; of HEIC the primary.
  A frame smaller than its GIF or WebP lies where it belongs, on what Pillow shows round it.
* Sizes are checked on the header, before anything is decoded.
* A JPEG far larger than needed is decoded at 1/2, 1/4 or 1/8 of its size by the decoder itself.
* EXIF orientation is applied; orientation that cannot be read counts as upright, as viewers do. That of XMP is not
  looked at. HEIC is turned by its own boxes, to which EXIF adds nothing.
* Colour profiles are ignored: numbers are taken as sRGB. Converting would bring the rounding of one colour library
  into every fingerprint, and a pirate can strip a profile anyway. So CMYK is taken as the complement of RGB; that of
  a JPEG counts as stored inverted, as Adobe's programs do and all after them.
* Transparent pixels lie over white. Of 16 bits a channel the upper 8 count. Pixels of floating point, of 32 bits or
  with a sign, L*a*b*, and grey of 9 to 15 bits are refused: what black and white are in them the file need not say.
* What is broken or cut off is refused, however much of the picture has come; bytes after the picture do not count.
* Whatever a decoder raises becomes one `FingerprintError`.

What each kind of file gives: docs/fingerprints.md.
"""

import io
import struct
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from PIL import Image

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.image.colours import Pixels, check_mode, colours
from countermark.fingerprint.image.formats import HEIC, recognise
from countermark.fingerprint.image.heic import open_heic
from countermark.fingerprint.image.limits import MAX_FILE_BYTES, MAX_PIXELS, check_size
from countermark.fingerprint.image.png import open_png
from countermark.fingerprint.image.tiff import open_tiff
from countermark.fingerprint.image.webp import open_webp

__all__ = ["DRAFT_SIDE", "LEAST_DRAFT_SIDE", "MAX_FILE_BYTES", "MAX_PIXELS", "Pixels", "decode"]

DRAFT_SIDE = 320
"""A JPEG is reduced while decoding as long as the longer side keeps this many pixels."""

LEAST_DRAFT_SIDE = 120
"""And the shorter side these: a panorama has little to spare."""

_ORIENTATION = 0x0112

_OPENERS: Final[dict[str, Callable[[bytes], Image.Image]]] = {
    HEIC: open_heic,
    "PNG": open_png,
    "TIFF": open_tiff,
    "WEBP": open_webp,
}


def decode(source: BinaryIO) -> Pixels:
    """Return the picture that `source` yields, upright, at full size or reduced by the JPEG decoder.

    Raises:
        FingerprintError: ``empty_file``, ``image_too_large``, ``not_an_image``, ``unsupported_format`` or
            ``decoder_missing``.
        OSError: `source` itself cannot be read.
    """
    data = source.read(MAX_FILE_BYTES + 1)
    if not data:
        raise FingerprintError(FingerprintErrorCode.EMPTY_FILE)
    if len(data) > MAX_FILE_BYTES:
        raise FingerprintError(FingerprintErrorCode.IMAGE_TOO_LARGE, f"more than {MAX_FILE_BYTES} bytes")
    form = recognise(data)
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata; sizes are refused below, and nobody reads warnings of a server.
            warnings.simplefilter("ignore")
            return _decode(data, form)
    except FingerprintError:
        raise
    except Image.DecompressionBombError as error:
        raise FingerprintError(FingerprintErrorCode.IMAGE_TOO_LARGE, f"more than {MAX_PIXELS} pixels") from error
    except MemoryError as error:
        detail = f"this {form} takes more memory than there is"
        raise FingerprintError(FingerprintErrorCode.IMAGE_TOO_LARGE, detail) from error
    # Decoders raise whatever a broken file leads them to (OSError, ValueError, SyntaxError, TypeError, struct.error,
    # IndexError and others have been seen): there is no narrower class that covers them.
    except Exception as error:
        detail = f"this {form} is broken, cut off or of a rare kind"
        raise FingerprintError(FingerprintErrorCode.NOT_AN_IMAGE, detail) from error


def _decode(data: bytes, form: str) -> Pixels:
    opener = _OPENERS.get(form)
    with opener(data) if opener else Image.open(io.BytesIO(data), formats=(form,)) as image:
        check_size(*image.size)
        check_mode(image.mode)
        if form == "JPEG":
            width, height = image.size
            scale = _reduction(width, height)
            image.draft(None, (width // scale, height // scale))
        image.load()
        # Decoders may find another size in the data than the header has.
        check_size(*image.size)
        # The decoders of these two have turned it.
        return _upright(colours(image), 1 if form in ("TIFF", HEIC) else _orientation(image))


def _reduction(width: int, height: int) -> int:
    """Return by how much a JPEG of that size is reduced."""
    longer, shorter = max(width, height), min(width, height)
    enough = (s for s in (8, 4, 2) if longer // s >= DRAFT_SIDE and shorter // s >= LEAST_DRAFT_SIDE)
    return next(enough, 1)


def _orientation(image: Image.Image) -> int:
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        value: Any = exif.get(_ORIENTATION, 1)
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
