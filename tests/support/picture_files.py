"""Files of pictures written byte by byte: such as Pillow reads and does not write, and such as lie of themselves."""

import base64
import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: tuple[int, int], depth: int, colour: int, rows: Sequence[bytes], *, before: bytes = b"") -> bytes:
    """A PNG of unfiltered rows; `before` are chunks between its header and its pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return PNG_SIGNATURE + header + before + pixels + png_chunk(b"IEND", b"")


def tiff(size: tuple[int, int], data: bytes, *, packed: bool = True, **changed: int | None) -> bytes:
    """A TIFF of 8-bit grey in one strip, packed by zlib or as it is, with other or further tags (``t254=1``)."""
    tags: dict[int, int | None] = {256: size[0], 257: size[1], 258: 8, 259: 8 if packed else 1, 262: 1, 277: 1}
    content = zlib.compress(data) if packed else data
    tags |= {273: 0, 278: size[1], 279: len(content)} | {int(name[1:]): value for name, value in changed.items()}
    entries = {tag: value for tag, value in sorted(tags.items()) if value is not None}
    start = 8 + 2 + 12 * len(entries) + 4
    for tag in (273, 324):
        if entries.get(tag) == 0:
            entries[tag] = start
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + content


def gif(screen: tuple[int, int], frame: tuple[int, int, int, int]) -> bytes:
    """A GIF with one frame at x and y of width and height, whose first two pixels are the colours 1 and 2 of four."""
    colours = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
    # Codes of three bits: clear, 1, 2, end.
    pixels = b"\x02\x02" + (4 | 1 << 3 | 2 << 6 | 5 << 9).to_bytes(2, "little") + b"\0"
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x81, 0, 0) + colours
    return head + b"\x2c" + struct.pack("<HHHHB", *frame, 0) + pixels + b"\x3b"


def webp_animation(canvas: tuple[int, int], frame: Image.Image) -> bytes:
    """An animated WebP of one frame, losslessly packed, in the upper left corner of a canvas that may be larger."""
    sides = b"".join((side - 1).to_bytes(3, "little") for side in canvas)
    place = bytes(6) + b"".join((side - 1).to_bytes(3, "little") for side in frame.size) + bytes([100, 0, 0, 0])
    still = saved(frame, "WEBP", lossless=True)[12:]
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data
        for kind, data in ((b"VP8X", b"\2\0\0\0" + sides), (b"ANIM", bytes(6)), (b"ANMF", place + still))
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def boxes(major: bytes, *compatible: bytes) -> bytes:
    """The first box of a film, or of a picture in HEIC or AVIF, and nothing after it."""
    brands = b"".join(compatible)
    return struct.pack(">I", 16 + len(brands)) + b"ftyp" + major + bytes(4) + brands


HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAcdtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAA
AAAERAAAIAAQAAAAAB6wABAAAAAAAAAEAAAgAAAAACKwABAAAAAAAAACQAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVp
bmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABBmlwcnAAAADlaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGE
ABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAA
ABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAAAAIAAAAAEAAAAYAAAAAf///+AAAAAC////2AAAAAIAAAAQcG
l4aQAAAAADCAgIAAAACWlyb3QDAAAAGWlwbWEAAAAAAAAAAQABBoECAwWEhgAAABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAbG1kYXQAAAA8
KAGvBBIWczz46Y3cmEtoEP/VX0/DdFmnMHF01M6cFk9jOohkk0WAhLpjleFO1AL4vyIN8COU1Ai6WP34AAAABkV4aWYAAE1NACoAAAAIAAEBEg
ADAAAAAQAGAAAAAAAA
""")
"""Coffee, 32 x 24 pixels, turned by a quarter by its box ``irot``, and by its EXIF, which does not count."""
