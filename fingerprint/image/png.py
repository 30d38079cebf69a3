"""PNG: the picture without what else its file holds."""

import io
from typing import Final

from PIL import Image

__all__ = ["open_png"]

_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
_SIGNATURE: Final = 8
_DEPTH_AT: Final = 24


def open_png(data: bytes) -> Image.Image:
    """Return the picture of `data`, not decoded yet; of an animated one that which viewers without animation show.

    A colour key of 16 bits a channel counts by its upper 8, as pixels do.
    """
    image = Image.open(io.BytesIO(_picture_alone(data)), formats=("PNG",))
    key = image.info.get("transparency")
    if data[_DEPTH_AT] == 16:
        if isinstance(key, tuple):
            image.info["transparency"] = tuple(level >> 8 for level in key)
        elif isinstance(key, int):
            image.info["transparency"] = key >> 8
    return image


def _picture_alone(data: bytes) -> bytes:
    """Return `data` without chunks that say nothing of the picture.

    Texts and colour profiles are packed: a few bytes become a megabyte, of which Pillow takes no more than 1 MiB and
    else refuses the picture, though profiles above that are in honest use. Frames of an animation follow the picture.
    """
    view, kept, dropped, at = memoryview(data), bytearray(data[:_SIGNATURE]), False, _SIGNATURE
    while at < len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4])
        if kind in _KEPT:
            kept += view[at:end]
        else:
            dropped = True
        if kind == b"IEND":
            break
        at = end
    return bytes(kept) if dropped else data
