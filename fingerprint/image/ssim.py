"""Structural similarity (paper section III.C, feature 3) of stored thumbnails, in integers.

Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural similarity, IEEE TIP
2004; windows of 7 x 7 with equal weights and population variances, K1 = 0.01, K2 = 0.03, range 255.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["evident_ssim", "ssim", "textured"]

_WINDOW = 7
_AREA = _WINDOW**2
# The two constants, times the square of the window's area, as everything below is.
_C1 = round((0.01 * 255) ** 2 * _AREA**2)
_C2 = round((0.03 * 255) ** 2 * _AREA**2)
_SCALE = 1 << 20

_TEXTURE = 200 * _AREA**2
"""Variance from which a window has texture: twice that of an even gradient across an image of the same contrast."""

_LEAST_TEXTURED = 10
"""Per cent of the windows that must have texture."""


def ssim(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the mean SSIM, -1 to 1, of each of n pairs of n x h x w images of 0 to 255."""
    local, _ = _local(first, second)
    return np.asarray(local.sum(axis=(1, 2)) / (local.shape[1] * local.shape[2] * _SCALE))


def evident_ssim(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the mean SSIM of all windows or of those with texture in either image, whichever is less.

    Windows that are blank on both sides resemble each other and are no evidence. At least the share of windows that
    makes an image `textured` is taken for textured; what is missing of it counts as 0.
    """
    local, counted = _local(first, second)
    windows = np.maximum(counted.sum(axis=(1, 2)), -(-_LEAST_TEXTURED * local[0].size // 100))
    evident = (local * counted).sum(axis=(1, 2)) / (windows * _SCALE)
    return np.asarray(np.minimum(evident, local.sum(axis=(1, 2)) / (local[0].size * _SCALE)))


def textured(images: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return whether enough of each of n x h x w images has texture for it to be told from others."""
    values = images.astype(np.int64)
    sums = _window_sums(values)
    windows = _AREA * _window_sums(values * values) - sums * sums >= _TEXTURE
    return np.asarray(100 * windows.sum(axis=(1, 2)) >= _LEAST_TEXTURED * windows[0].size)


def _local(first: NDArray[np.integer], second: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the SSIM of each window, in 1/2^20, and whether it is textured in either image."""
    a, b = first.astype(np.int64), second.astype(np.int64)
    sum_a, sum_b = _window_sums(a), _window_sums(b)
    square_a, square_b = sum_a * sum_a, sum_b * sum_b
    variance_a = _AREA * _window_sums(a * a) - square_a
    variance_b = _AREA * _window_sums(b * b) - square_b
    both = sum_a * sum_b
    covariance = _AREA * _window_sums(a * b) - both
    above = (2 * both + _C1) * (2 * covariance + _C2)
    below = (square_a + square_b + _C1) * (variance_a + variance_b + _C2)
    # One division of doubles rounds alike everywhere; a sum of doubles depends on its order, one of integers does
    # not.
    return np.floor(above / below * _SCALE).astype(np.int64), np.maximum(variance_a, variance_b) >= _TEXTURE


def _window_sums(images: NDArray[np.int64]) -> NDArray[np.int64]:
    for _ in ("columns", "rows"):
        running = np.zeros((len(images), images.shape[1] + 1, images.shape[2]), np.int64)
        np.cumsum(images, axis=1, out=running[:, 1:])
        images = (running[:, _WINDOW:] - running[:, :-_WINDOW]).transpose(0, 2, 1)
    return images
