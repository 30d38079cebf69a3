"""Whether two views agree in what is finer than their large light and dark shapes.

Two white shirts on one red cloth have one outline, and structural similarity sees little else: the step from shirt to
cloth outweighs buttons, folds and checks. Those remain where each pixel is taken by how much it differs from its
surroundings, and two pictures rarely agree in them but where the one is a copy of the other.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["detail_similarity", "differing_share"]

_SMOOTH: Final = (1, 2, 1)
"""Takes off what the sharper one of two copies has and the other never had."""

_SURROUNDINGS: Final = (1, 1, 1)
_UNIT: Final = sum(_SMOOTH) ** 2 * sum(_SURROUNDINGS) ** 2

_WINDOW: Final = (1, 1, 1, 1, 1)
_ALIKE: Final = 0.5
_NOISE: Final = (sum(_WINDOW) * _UNIT) ** 2
"""A square level a pixel, summed over a window: what varies by much less counts as even."""


def detail_similarity(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the correlation, -1 to 1, of fine detail in n pairs of h x w images; 0 where there is none.

    The root of each pixel's detail counts: an outline is far stronger than all that it encloses.
    """
    a, b = (_fine(images).reshape(len(images), -1).astype(float) for images in (first, second))
    roots_a, roots_b = (np.copysign(np.sqrt(np.abs(fine)), fine) for fine in (a, b))
    sizes = np.abs(a).sum(axis=1) * np.abs(b).sum(axis=1)
    return np.asarray((roots_a * roots_b).sum(axis=1) / np.maximum(np.sqrt(sizes), 1.0))


def differing_share(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return which share, 0 to 1, of the windows of 5 x 5 pixels differs in fine detail, for n pairs of h x w images.

    A window differs where SSIM's factors of contrast and structure, taken of the detail, are less than a half. Of a
    copy that is covered in part, by text or a logo, few do; of other goods on one ground many.
    """
    a, b = _fine(first), _fine(second)
    products, squares_a, squares_b = (_weighted(one, _WINDOW).astype(float) for one in (a * b, a * a, b * b))
    alike = (2 * products + _NOISE) / (squares_a + squares_b + _NOISE)
    return np.asarray((alike < _ALIKE).mean(axis=(1, 2)))


def _fine(images: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return by how much each smoothed pixel exceeds the mean of 3 x 3 around it, in `_UNIT` parts of a level.

    Two pixels at each border have no such surroundings and are left out.
    """
    smooth = _weighted(images.astype(np.int64), _SMOOTH)
    return np.asarray(sum(_SURROUNDINGS) ** 2 * smooth[:, 1:-1, 1:-1] - _weighted(smooth, _SURROUNDINGS))


def _weighted(images: NDArray[np.int64], weights: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the sums of neighbours by `weights`, along both axes; without those that would reach beyond a border."""
    for _ in ("columns", "rows"):
        length = images.shape[1] - len(weights) + 1
        along = sum(weight * images[:, start : start + length] for start, weight in enumerate(weights))
        images = np.asarray(along).transpose(0, 2, 1)
    return images
