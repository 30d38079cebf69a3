"""What a picture's file is, by its first bytes: names of files are not looked at."""

from typing import Final

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode

__all__ = ["HEIC", "recognise"]

HEIC: Final = "HEIC"

_READ: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_NOT_READ: Final = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\1\0", "ICO"),
)

# Brands of ISO/IEC 23008-12 and of AVIF: what the pictures in a box file are coded in, or only that there are some.
_HEVC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AV1: Final = frozenset({b"avif", b"avis", b"avio"})
_ANY_CODEC: Final = frozenset({b"mif1", b"mif2", b"miaf", b"msf1"})
_LONGEST_BRANDS: Final = 1024


def recognise(data: bytes) -> str:
    """Return the format of `data`, which is one that is read: Pillow's name of it, or `HEIC`.

    Raises:
        FingerprintError: ``unsupported_format``, naming it, for other pictures; ``not_an_image`` for anything else.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    for start, name in _READ:
        if data.startswith(start):
            return name
    for start, name in _NOT_READ:
        if data.startswith(start):
            raise _unsupported(name)
    if data[4:8] == b"ftyp":
        return _recognise_boxes(data)
    raise FingerprintError(FingerprintErrorCode.NOT_AN_IMAGE, "does not begin as a picture of any known format does")


def _recognise_boxes(data: bytes) -> str:
    length = min(int.from_bytes(data[:4]), _LONGEST_BRANDS)
    major = data[8:12]
    brands = {data[at : at + 4] for at in range(16, length, 4)} if major in _ANY_CODEC else {major}
    # A file may hold the same picture in both: the one that a decoder would take is anybody's guess.
    if brands & _AV1:
        raise _unsupported("AVIF")
    if brands & _HEVC:
        return HEIC
    if major in _ANY_CODEC:
        raise _unsupported("HEIF that is neither HEIC nor AVIF")
    raise FingerprintError(FingerprintErrorCode.NOT_AN_IMAGE, "a film or other container, not a picture")


def _unsupported(name: str) -> FingerprintError:
    return FingerprintError(FingerprintErrorCode.UNSUPPORTED_FORMAT, f"{name} is not read; save it as PNG or JPEG")
