"""The corners of a picture as a fingerprint of ``image/v1`` holds them, and as arrays to compare."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.image import ASPECT_UNIT, CORNER_BYTES, DESCRIPTOR_BITS, DIRECTIONS

__all__ = ["RECORD", "Corners", "corners_of", "words"]

RECORD: Final = np.dtype(
    [
        ("x", ">u2"),
        ("y", ">u2"),
        ("level", "u1"),
        ("direction", "u1"),
        ("bits", "u1", (DESCRIPTOR_BITS // 8,)),
        ("unsure", "u1", (DESCRIPTOR_BITS // 8,)),
    ]
)
"""A corner in the segment ``local``; its bits compare points, and those of the second half their mirror images."""

assert RECORD.itemsize == CORNER_BYTES

_WORDS: Final = DESCRIPTOR_BITS // 64


@dataclass(frozen=True)
class Corners:
    """The corners of a picture.

    Attributes:
        places: x + iy from the centre of the picture, in its longer side.
        levels: Of what size each is: logarithm to the base of the root of 2.
        directions: In 1/`DIRECTIONS` of a full turn.
        bits: n x 2 words of 64 bits.
        unsure: As many words: the bits that a slight change would turn.
    """

    places: NDArray[np.complex128]
    levels: NDArray[np.int64]
    directions: NDArray[np.int64]
    bits: NDArray[np.uint64]
    unsure: NDArray[np.uint64]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.levels)

    def mirrored(self) -> "Corners":
        """Return the corners of the picture mirrored left to right."""
        return Corners(
            -self.places.conj(),
            self.levels,
            (DIRECTIONS // 2 - self.directions) % DIRECTIONS,
            np.roll(self.bits, _WORDS // 2, axis=1),
            np.roll(self.unsure, _WORDS // 2, axis=1),
        )


def corners_of(fingerprint: Fingerprint) -> Corners:
    """Return the corners that a fingerprint of ``image/v1`` holds."""
    records = np.frombuffer(fingerprint.segment("local"), RECORD)
    aspect = int.from_bytes(fingerprint.segment("aspect")) / ASPECT_UNIT
    across, down = records["x"] / 65536 - 0.5, records["y"] / 65536 - 0.5
    return Corners(
        across * min(1.0, aspect) + 1j * down * min(1.0, 1 / aspect),
        records["level"].astype(np.int64),
        records["direction"].astype(np.int64),
        words(records["bits"]),
        words(records["unsure"]),
    )


def words(octets: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return n x 16 bytes as n x 2 words of 64 bits."""
    return np.ascontiguousarray(octets).reshape(-1).view(">u8").astype(np.uint64).reshape(-1, _WORDS)
