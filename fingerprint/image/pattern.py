"""Which points around a corner are compared to describe it, and how they turn with its direction.

The pairs were chosen on 27,000 corners of photographs, once, as by ORB (Rublee et al. 2011): of 20,000 drawn at
random those whose outcome is even and tells least about the others'. Each group of 16 is as independent as could be:
such a group is a key under which corners are found again.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image import DIRECTIONS
from countermark.fingerprint.image.dct64 import cosine

__all__ = ["RADIUS", "TESTS", "TURNS"]

RADIUS: Final = 14
"""No point lies farther from the corner, in pixels of its level."""

# x and y of the one point, x and y of the other; the direction of the corner is that of x.
_PAIRS: Final = (
    (9, -10, 5, 4), (-3, -11, -2, -6), (8, -3, 11, 0), (-13, 5, -9, 6),
    (-12, 1, -12, 6), (3, 2, 3, 6), (1, 12, 3, -13), (-9, 3, -5, 2),
    (5, 13, 3, 9), (-11, -8, -7, -6), (9, 9, 13, -4), (-7, 0, -4, 5),
    (-6, 4, -8, 10), (1, -9, 1, 6), (-6, 8, -3, -9), (0, 14, 1, -4),
    (-10, -7, -6, 1), (0, 14, 2, 10), (7, -11, 6, -7), (10, -6, 13, -3),
    (12, 6, 11, 2), (-11, -6, -9, -10), (-5, 3, -5, -1), (1, 9, 2, 5),
    (-2, 8, 0, -8), (5, -9, 10, -9), (-11, 7, -5, 10), (3, -4, 5, -8),
    (-5, -7, -7, 12), (-3, -13, -2, 1), (-14, 0, -7, 9), (5, 8, 8, -5),
    (0, 5, 0, -3), (-1, -9, -1, 12), (-12, 2, -8, 1), (5, 10, 7, 3),
    (-10, 3, -10, 8), (4, 0, 8, -3), (13, 3, 10, 0), (-7, -7, -6, -11),
    (4, -11, 3, 7), (-6, -5, -4, -1), (6, -6, 10, -3), (4, -2, 5, 4),
    (-10, -9, -12, 6), (-4, -13, 0, 6), (-9, -4, -7, 5), (5, 13, 2, 1),
    (9, 5, 9, -2), (-5, -9, -5, -13), (-8, 11, -4, 9), (7, -6, 6, -2),
    (5, 13, 6, 9), (-13, -2, -10, 4), (8, 10, 13, 5), (-6, -3, -5, -7),
    (-5, 7, -2, 4), (1, -7, 2, -12), (-1, -3, -1, -8), (-5, -11, -2, 13),
    (3, 6, 7, 7), (-4, 7, -3, -4), (5, -3, 12, -7), (6, -9, 7, 12),
)  # fmt: skip

TURNS: Final = np.array([(cosine(2 * k), cosine(2 * k - 32)) for k in range(DIRECTIONS)], np.int64)
"""Cosine and sine of each direction, times 2^14."""


def _turned(points: NDArray[np.int64]) -> NDArray[np.int64]:
    cosines, sines = (TURNS[:, axis, np.newaxis, np.newaxis] for axis in (0, 1))
    x, y = points[..., 0], points[..., 1]
    exact = np.stack([x * cosines - y * sines, x * sines + y * cosines], axis=-1)
    # Halves are rounded away from zero, so that a mirror image turns like its original.
    return np.asarray(np.sign(exact) * ((np.abs(exact) + (1 << 13)) >> 14))


_half = np.array(_PAIRS, np.int64).reshape(-1, 2, 2)

TESTS: Final = _turned(np.concatenate([_half, _half * [1, -1]]))
"""For each direction the pairs of points, directions x bits x 2 x 2.

The second half are the first in a mirror: so the bits of a mirrored picture are known without it.
"""
