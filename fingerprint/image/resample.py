"""Resampling in integers: the same result on every machine and with every library version.

Imaging libraries are not used for this: their filters changed between versions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNIT", "Affine", "area_means", "grey", "sample"]

Integers = NDArray[np.int64]

_UNIT_BITS = 16
UNIT = 1 << _UNIT_BITS
"""Fixed point: half the side of an image is `UNIT`, and the centre is 0."""

_POSITION_BITS = 8
_BAND_VALUES = 1 << 20


def area_means(pixels: NDArray[np.integer], side: int, fraction_bits: int = 0) -> Integers:
    """Return `pixels` (height x width x channels) averaged over side x side equal rectangles.

    Rectangle borders cut pixels exactly. Means are rounded to units of 1/2^fraction_bits of a level.
    """
    height, width = pixels.shape[:2]
    rows = _area_rows(pixels, side)
    sums = _area_rows(rows.transpose(1, 0, 2), side).transpose(1, 0, 2)
    weight = height * width
    return np.asarray(((sums << (fraction_bits + 1)) + weight) // (2 * weight))


def _area_rows(values: NDArray[np.integer], count: int) -> Integers:
    """Return `count` weighted sums of rows; the weights of each add up to the number of rows."""
    height = values.shape[0]
    # In units of 1/count of a row the sum with number i takes [i * height, (i + 1) * height).
    numbers = np.arange(count)
    first, end = numbers * height // count, -(-(numbers + 1) * height // count)
    sums = np.concatenate([_sums(values, first[some], end[some]) for some in _bands(values, count)])
    before, after = (
        part.reshape(-1, *(1 for _ in values.shape[1:]))
        for part in (numbers * height - first * count, end * count - (numbers + 1) * height)
    )
    return np.asarray(count * sums - before * values[first] - after * values[end - 1])


def _bands(values: NDArray[np.integer], count: int) -> Iterator[slice]:
    """Yield which of `count` sums to make at a time: wide copies of all of a large picture would fill the memory."""
    size = max(1, _BAND_VALUES * count // max(1, values.size))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _sums(values: NDArray[np.integer], first: Integers, end: Integers) -> Integers:
    """Return the sums of the rows from each `first` to each `end`, which rise."""
    start, stop = int(first[0]), int(end[-1])
    # 32 bits hold the sums of eight million rows of bytes.
    running = np.zeros((stop - start + 1, *values.shape[1:]), np.int32 if values.dtype == np.uint8 else np.int64)
    np.cumsum(values[start:stop], axis=0, out=running[1:])
    return (running[end - start] - running[first - start]).astype(np.int64)


def grey(colours: NDArray[np.integer]) -> Integers:
    """Return the luma (ITU-R BT.601, in thousandths) of ... x 3 colours, rounded to their unit."""
    weighted = colours.astype(np.int64) @ np.array([299, 587, 114])
    return np.asarray((weighted + 500) // 1000)


@dataclass(frozen=True, slots=True)
class Affine:
    """Where the points of a view lie in an image, in `UNIT`: x = xx*u + xy*v + dx, y = yx*u + yy*v + dy."""

    xx: int = UNIT
    xy: int = 0
    dx: int = 0
    yx: int = 0
    yy: int = UNIT
    dy: int = 0

    def rows(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Return the 2 x 3 matrix."""
        return (self.xx, self.xy, self.dx), (self.yx, self.yy, self.dy)


def sample(images: NDArray[np.integer], maps: Integers, side: int, oversample: int = 1) -> NDArray[np.int32]:
    """Return a side x side view of each of `images` through its affine map.

    Args:
        images: n x s x s square images.
        maps: n x 2 x 3 maps in `UNIT`, as `Affine.rows` gives them.
        side: Side of the views.
        oversample: Points per pixel and axis, interpolated linearly and averaged.

    Points outside an image take the value of its nearest border pixel.
    """
    size, points = images.shape[1], side * oversample
    # 32 bits hold every intermediate value, for images up to 64 pixels wide, and are twice as quick as 64.
    steps = 2 * np.arange(points, dtype=np.int32) + 1 - points
    weights = maps.astype(np.int32)[:, :, :, np.newaxis]
    along_u, along_v = weights[:, :, 0] * steps // points, weights[:, :, 1] * steps // points
    # n x 2 x v x u.
    places = along_u[:, :, np.newaxis, :] + along_v[:, :, :, np.newaxis] + weights[:, :, 2, np.newaxis]
    np.clip(places, -UNIT, UNIT, out=places)
    # From here in 1/256 of a pixel, counted from the centre of the first one.
    places = ((places + UNIT) * (size << (_POSITION_BITS - 1)) >> _UNIT_BITS) - (1 << (_POSITION_BITS - 1))
    np.clip(places, 0, (size - 1) << _POSITION_BITS, out=places)
    # The last pixel has no right or lower neighbour: its place is the one before it, and all the way along.
    whole = np.minimum(places >> _POSITION_BITS, size - 2)
    part = places - (whole << _POSITION_BITS)
    right, lower = part[:, 0], part[:, 1]
    start = (np.arange(len(images), dtype=np.int32) * size * size)[:, np.newaxis, np.newaxis]
    corner = start + whole[:, 1] * size + whole[:, 0]
    flat = images.reshape(-1).astype(np.int32)
    full = 1 << _POSITION_BITS
    top = flat[corner] * (full - right) + flat[corner + 1] * right
    bottom = flat[corner + size] * (full - right) + flat[corner + size + 1] * right
    values = top * (full - lower) + bottom * lower
    if oversample > 1:
        values = values.reshape(len(images), side, oversample, side, oversample).sum(axis=(2, 4))
    divisor = oversample**2 << (2 * _POSITION_BITS)
    return np.asarray((2 * values + divisor) // (2 * divisor))
