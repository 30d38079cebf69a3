"""The corners of a picture without their places, as a fingerprint of ``image/no-thumbnail-v1`` holds them.

Of corners in their places, of hashes of views and of levels of cells a rough picture can be drawn. What surrounds a
corner that may lie anywhere is a piece of a puzzle. The records are sorted: their order would tell places, too.
"""

from typing import Final

import numpy as np

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.image import DESCRIPTOR_BITS, UNPLACED_BYTES, UNPLACED_LEVELS, UNPLACED_MOST
from countermark.fingerprint.image import corners as placed
from countermark.fingerprint.image.corners import Corners, words
from countermark.fingerprint.image.decode import Pixels
from countermark.fingerprint.image.local import local_features

__all__ = ["RECORD", "corners_of", "unplaced_corners"]

RECORD: Final = np.dtype(
    [
        ("level", "u1"),
        ("direction", "u1"),
        ("bits", "u1", (DESCRIPTOR_BITS // 8,)),
        ("unsure", "u1", (DESCRIPTOR_BITS // 8,)),
    ]
)
"""A corner in the segment ``corners``: a `corners.RECORD` without x and y."""

assert RECORD.itemsize == UNPLACED_BYTES


def unplaced_corners(pixels: Pixels) -> bytes:
    """Return the records of at most `UNPLACED_MOST` corners of height x width x 3 pixels, in ascending order."""
    found = np.frombuffer(local_features(pixels, UNPLACED_LEVELS, UNPLACED_MOST), placed.RECORD)
    records = np.zeros(len(found), RECORD)
    for name in RECORD.names or ():
        records[name] = found[name]
    return b"".join(sorted(record.tobytes() for record in records))


def corners_of(fingerprint: Fingerprint) -> Corners:
    """Return the corners that a fingerprint of ``image/no-thumbnail-v1`` holds, all as if in the middle."""
    records = np.frombuffer(fingerprint.segment("corners"), RECORD)
    return Corners(
        np.zeros(len(records), np.complex128),
        records["level"].astype(np.int64),
        records["direction"].astype(np.int64),
        words(records["bits"]),
        words(records["unsure"]),
    )
