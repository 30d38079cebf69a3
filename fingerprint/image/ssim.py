"""Structural similarity (paper section III.C, feature 3) of stored thumbnails, in integers.

Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural similarity, IEEE TIP
2004; windows of 7 x 7 with equal weights and population variances, K1 = 0.01, K2 = 0.03, range 255.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["ssim"]

_WINDOW = 7
_AREA = _WINDOW**2
# The two constants, times the square of the window's area, as everything below is.
_C1 = round((0.01 * 255) ** 2 * _AREA**2)
_C2 = round((0.03 * 255) ** 2 * _AREA**2)
_SCALE = 1 << 20


def ssim(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the mean SSIM, -1 to 1, of each of n pairs of n x h x w images of 0 to 255."""
    a, b = first.astype(np.int64), second.astype(np.int64)
    sum_a, sum_b = _window_sums(a), _window_sums(b)
    both = sum_a * sum_b
    squares = sum_a * sum_a + sum_b * sum_b
    covariance = _AREA * _window_sums(a * b) - both
    variances = _AREA * _window_sums(a * a + b * b) - squares
    above = (2 * both + _C1) * (2 * covariance + _C2)
    below = (squares + _C1) * (variances + _C2)
    # One division of doubles rounds alike everywhere; a sum of doubles depends on its order, one of integers does
    # not.
    local = np.floor(above / below * _SCALE).astype(np.int64)
    return np.asarray(local.sum(axis=(1, 2)) / (local.shape[1] * local.shape[2] * _SCALE))


def _window_sums(images: NDArray[np.int64]) -> NDArray[np.int64]:
    for axis in (1, 2):
        running = np.cumsum(images, axis=axis)
        running = np.insert(running, 0, 0, axis=axis)
        length = running.shape[axis]
        images = np.take(running, range(_WINDOW, length), axis) - np.take(running, range(length - _WINDOW), axis)
    return images
