"""Pictures of every format that is read: broken, cut, joined from two, with other sizes than their bytes have."""

import io
import struct
import zlib
from random import Random

from PIL import Image

from countermark.fingerprint import FingerprintError, compute
from countermark.fingerprint.image.decode import decode
from tests.fuzz import bytewise
from tests.fuzz.decoder import Decoder
from tests.support import picture_files
from tests.support.pictures import photo

_SIDES = (0, 1, 2, 7, 255, 4_000, 8_944, 8_945, 20_000, 65_535, 2**31 - 1, 2**32 - 1)
"""Widths and heights on both sides of what is allowed."""

_SHARE_COMPUTED = 0.03
"""How many of the pictures go through the whole generator, which takes thirty times as long as reading them."""


def _corpus() -> list[bytes]:
    picture = photo("coffee").resize((48, 36))
    transparent = picture.convert("RGBA")
    transparent.putalpha(128)
    rotated = Image.Exif()
    rotated[0x0112] = 6
    variants = [
        (picture, "JPEG", {"quality": 80, "exif": rotated.tobytes()}),
        (picture, "JPEG", {"progressive": True, "quality": 60}),
        (picture.convert("CMYK"), "JPEG", {}),
        (transparent, "PNG", {}),
        (picture.convert("P"), "PNG", {"transparency": 0}),
        (picture.convert("I;16"), "PNG", {}),
        (picture, "WEBP", {"quality": 60, "exif": rotated.tobytes()}),
        (transparent, "WEBP", {"lossless": True}),
        (picture, "GIF", {"save_all": True, "append_images": [picture.rotate(90)]}),
        (picture, "BMP", {}),
        (picture, "TIFF", {"compression": "tiff_lzw"}),
        (picture.convert("1"), "TIFF", {"compression": "group4"}),
        (picture.convert("F"), "TIFF", {}),
        (picture.convert("CMYK"), "TIFF", {"compression": "tiff_adobe_deflate"}),
        (picture.convert("YCbCr"), "TIFF", {"compression": "jpeg"}),
        (picture, "TIFF", {"exif": rotated.tobytes(), "save_all": True, "append_images": [transparent]}),
        (picture, "PNG", {"save_all": True, "append_images": [picture.rotate(90)], "exif": rotated.tobytes()}),
        (picture, "MPO", {"save_all": True, "append_images": [picture.rotate(90)]}),
    ]
    levels = bytes(range(96)) * 36
    return [
        *(picture_files.saved(image, kind, **options) for image, kind, options in variants),
        picture_files.png((16, 36), 16, 2, [levels[:96]] * 36, before=picture_files.png_chunk(b"tRNS", levels[:6])),
        picture_files.png((12, 36), 16, 6, [levels[:96]] * 36, before=picture_files.png_chunk(b"zTXt", b"a\0\0")),
        picture_files.gif((9, 9), (3, 3, 2, 1)),
        picture_files.webp_animation((64, 48), picture),
        picture_files.tiff((96, 36), levels),
        picture_files.tiff((96, 36), levels, t273=None, t278=None, t279=None, t322=96, t323=48, t324=0, t325=400),
        picture_files.HEIC,
    ]


def _resize_png(random: Random, data: bytes) -> bytes:
    """Return a PNG whose header states another size, depth or colour, with a good checksum over it."""
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    what = random.randrange(3)
    if what == 0:
        width, height = random.choice(_SIDES), random.choice(_SIDES)
    elif what == 1:
        depth = random.choice((0, 1, 2, 4, 8, 16, 64))
    else:
        colour = random.randrange(8)
    header = b"IHDR" + struct.pack(">IIBB", width, height, depth, colour) + data[26:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def _resize_bmp(random: Random, data: bytes) -> bytes:
    sides = struct.pack("<ii", *(random.choice((1, -1)) * (random.choice(_SIDES) % 2**31) for _ in range(2)))
    return data[:18] + sides + data[26:]


def _resize_gif(random: Random, data: bytes) -> bytes:
    return data[:6] + struct.pack("<HH", *(random.choice(_SIDES) % 2**16 for _ in range(2))) + data[10:]


def _resize_jpeg(random: Random, data: bytes) -> bytes:
    start = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    sides = struct.pack(">HH", *(random.choice(_SIDES) % 2**16 for _ in range(2)))
    return data[: start + 5] + sides + data[start + 9 :]


def _resize_tiff(random: Random, data: bytes) -> bytes:
    """Return a TIFF with another value in one entry of its directory."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entry = start + 2 + 12 * random.randrange(count)
    value = struct.pack("<I", random.choice(bytewise.EDGES) % 2**32)
    return data[: entry + 8] + value + data[entry + 12 :]


_RESIZE = {
    b"\x89PNG": _resize_png,
    b"BM": _resize_bmp,
    b"GIF8": _resize_gif,
    b"\xff\xd8": _resize_jpeg,
    b"II": _resize_tiff,
}


def _make(random: Random, corpus: list[bytes]) -> tuple[bytes, str]:
    data = random.choice(corpus)
    resize = next((change for magic, change in _RESIZE.items() if data.startswith(magic)), None)
    if resize is not None and random.random() < 0.3:
        data = resize(random, data)
    else:
        data = bytewise.change(random, data, corpus)
    generator = random.choice(("image/v1", "image/paper-v0")) if random.random() < _SHARE_COMPUTED else ""
    return data, generator


def _read(case: tuple[bytes, str]) -> None:
    data, generator = case
    if generator:
        compute(io.BytesIO(data), generator)
        return
    pixels = decode(io.BytesIO(data))
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


def decoder() -> Decoder:
    """Return the decoder of pictures."""
    corpus = _corpus()
    return Decoder(lambda random: _make(random, corpus), _read, (FingerprintError,))
