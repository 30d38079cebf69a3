"""Contrast normalisation of grey images, in integers."""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_VIEW_SPREAD", "MEAN", "SPREAD", "equally_clipped", "normalise"]

MEAN = 128
SPREAD = 48
"""Standard deviation after normalisation, in levels: twice this to either side stays within a byte."""

LEAST_VIEW_SPREAD = SPREAD // 3
"""A view of a normalised image whose levels spread by less is not brought to full contrast: it is nearly blank."""

_SAME_LEVEL = 1
"""Levels this close to the lightest or darkest one count as burnt out or drowned."""


def normalise(images: NDArray[np.integer], least_spread: int) -> NDArray[np.uint8]:
    """Return each of n x s x s images with mean 128 and standard deviation 48, clipped to a byte.

    Args:
        images: Grey images, in any unit.
        least_spread: A standard deviation below this, in the same unit, counts as this: noise is not blown up.
    """
    values = images.reshape(len(images), -1).astype(np.int64)
    count = values.shape[1]
    sums = values.sum(axis=1)
    squares = (values * values).sum(axis=1)
    # count times the standard deviation, rounded down by an exact integer root.
    spreads = np.array(
        [
            max(isqrt(int(count * square - total * total)), count * least_spread)
            for total, square in zip(sums, squares, strict=True)
        ],
        dtype=np.int64,
    )[:, np.newaxis]
    scaled = (2 * SPREAD * (values * count - sums[:, np.newaxis]) + spreads) // (2 * spreads)
    return np.asarray(np.clip(scaled + MEAN, 0, 255).astype(np.uint8).reshape(images.shape))


def equally_clipped(
    first: NDArray[np.integer], second: NDArray[np.integer]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return n pairs of views with as many pixels at the upper and at the lower end of the one as of the other.

    Brightening a photograph burns its light parts out, and darkening drowns its dark ones. What the one picture has
    lost cannot be compared, so the other loses as many of its own lightest and darkest pixels.
    """
    flat_first, flat_second = (views.reshape(len(views), -1) for views in (first, second))
    sorted_first, sorted_second = np.sort(flat_first, axis=1), np.sort(flat_second, axis=1)
    last = sorted_first.shape[1] - 1
    clipped = []
    low = np.maximum(_at_lower_end(sorted_first), _at_lower_end(sorted_second))
    high = last - np.maximum(_at_upper_end(sorted_first), _at_upper_end(sorted_second))
    low, high = np.minimum(low, last // 2)[:, np.newaxis], np.maximum(high, last // 2)[:, np.newaxis]
    for flat, ordered in ((flat_first, sorted_first), (flat_second, sorted_second)):
        bounds = np.take_along_axis(ordered, low, axis=1), np.take_along_axis(ordered, high, axis=1)
        clipped.append(np.clip(flat, *bounds).reshape(first.shape))
    return clipped[0], clipped[1]


def _at_lower_end(ordered: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.asarray((ordered <= ordered[:, :1] + _SAME_LEVEL).sum(axis=1) - 1)


def _at_upper_end(ordered: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.asarray((ordered >= ordered[:, -1:] - _SAME_LEVEL).sum(axis=1) - 1)
