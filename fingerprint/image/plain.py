"""Pictures without texture, one colour or an even gradient: colours and a coarse form are all they have."""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.image import THUMBNAIL_SIDE
from countermark.fingerprint.image.config import PlainRule

__all__ = ["alike_in_colour", "colour_levels", "levels_of", "look_alike"]

_BLOCK = 7


def colour_levels(colours: NDArray[np.integer]) -> bytes:
    """Return mean and standard deviation, a byte each, of red, green and blue of height x width x 3 levels."""
    values = colours.reshape(-1, 3).astype(np.int64)
    count = len(values)
    sums, squares = values.sum(axis=0), (values * values).sum(axis=0)
    means = (2 * sums + count) // (2 * count)
    spreads = [
        isqrt(int(count * square - total * total)) // count for total, square in zip(sums, squares, strict=True)
    ]
    return bytes([*(int(mean) for mean in means), *spreads])


def look_alike(first: Fingerprint, second: Fingerprint, rule: PlainRule) -> bool:
    """Return whether two pictures without texture have the same colours and the same coarse form."""
    return alike_in_colour(first, second, rule.colour_levels) and _within(
        _coarse_form(first), _coarse_form(second), rule.form_levels
    )


def alike_in_colour(first: Fingerprint, second: Fingerprint, most: int) -> bool:
    """Return whether mean and spread of each colour of two pictures differ by `most` levels at most."""
    return _within(levels_of(first), levels_of(second), most)


def levels_of(fingerprint: Fingerprint) -> NDArray[np.int64]:
    """Return the `COLOUR_LEVELS` numbers of the segment ``levels``."""
    return np.frombuffer(fingerprint.segment("levels"), np.uint8).astype(np.int64)


def _coarse_form(fingerprint: Fingerprint) -> NDArray[np.int64]:
    blocks = THUMBNAIL_SIDE // _BLOCK
    pixels = np.frombuffer(fingerprint.segment("thumbnail"), np.uint8).astype(np.int64)
    return np.asarray(pixels.reshape(blocks, _BLOCK, blocks, _BLOCK).sum(axis=(1, 3)) // _BLOCK**2)


def _within(first: NDArray[np.int64], second: NDArray[np.int64], most: int) -> bool:
    return bool(np.abs(first - second).max() <= most)
