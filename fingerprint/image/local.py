"""Local features: corners of a picture at several sizes, each with bits that describe its surroundings.

What whole views cannot find, a part of a picture within another one, is found by them. The corners are those of
Harris and Stephens (1988) by Noble's measure, their directions are those of the intensity centroid, and the bits
compare points beside the corner (BRIEF, Calonder et al. 2010) turned by that direction (ORB, Rublee et al. 2011).
Written in integers, and in floats only where these are exact or rounded once, so that every machine finds the same.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image import DESCRIPTOR_BITS, GROUP_BITS, LEVELS, MOST_CORNERS, UNSURE
from countermark.fingerprint.image.corners import RECORD
from countermark.fingerprint.image.decode import Pixels
from countermark.fingerprint.image.pattern import RADIUS, TESTS, TURNS

__all__ = ["BASE_SIDE", "local_features"]

BASE_SIDE: Final = 320
"""Longer side of a picture on the first level, in pixels; each further level is smaller by the root of 2."""

_MARGIN: Final = 10
"""Pixels of a level's rim on which no corners are sought: what surrounds them is not in the picture."""

_BAND_ROWS: Final = 256
"""Rows of a picture of which wide copies are made at a time."""

_LEAST_SIDE: Final = 2 * _MARGIN + 6
_LEAST_RESPONSE: Final = 12
_EVEN: Final = 64
"""Keeps the response of even surfaces from depending on their noise alone."""
_CELLS: Final = 4
"""Corners are spread over so many cells a side, so that each part of a picture has some."""

_REACH: Final = np.arange(-RADIUS, RADIUS + 1)
_DOWN, _ACROSS = (places - RADIUS for places in np.nonzero(_REACH[:, np.newaxis] ** 2 + _REACH**2 <= RADIUS**2))


@dataclass(frozen=True, slots=True)
class _Corners:
    """Columns and rows of the corners of one level, the most pronounced first."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]


def local_features(pixels: Pixels, count: int = LEVELS, most: int = MOST_CORNERS) -> bytes:
    """Return the records of corners of height x width x 3 pixels, each a `RECORD`.

    Args:
        pixels: The picture.
        count: On how many levels corners are sought, the finest first.
        most: How many corners are kept.
    """
    levels = _levels(_luma(pixels))[:count]
    records, open_places = [], most
    # The coarsest have fewest corners to offer: what they leave is for the finer ones.
    for number in reversed(range(len(levels))):
        share = open_places // (number + 1)
        found = _spread(_corners(levels[number]), levels[number].shape, share)
        open_places -= len(found.x)
        records.append(_described(levels[number], number, found))
    return b"".join(part.tobytes() for part in records)


def _luma(pixels: Pixels) -> NDArray[np.uint8]:
    luma = np.empty(pixels.shape[:2], np.uint8)
    for top in range(0, len(pixels), _BAND_ROWS):
        band = pixels[top : top + _BAND_ROWS].astype(np.uint16)
        luma[top : top + _BAND_ROWS] = (77 * band[:, :, 0] + 150 * band[:, :, 1] + 29 * band[:, :, 2] + 128) >> 8
    return luma


def _levels(luma: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    luma = _coarsened(luma)
    height, width = luma.shape
    longer = max(height, width)
    levels: list[NDArray[np.uint8]] = []
    for number in range(LEVELS):
        # 46341/32768 is the root of 2.
        side = BASE_SIDE * 32768**number // 46341**number
        size = max(1, width * side // longer), max(1, height * side // longer)
        if min(size) < _LEAST_SIDE:
            break
        # Of the two exact methods of the library; the next larger level is less than twice as large.
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_LINEAR_EXACT))
        levels.append(luma)
    return levels


def _coarsened(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture averaged over whole pixels to less than twice the first level's size."""
    step = max(luma.shape) // BASE_SIDE
    if step < 2:
        return luma
    height, width = (length // step * step for length in luma.shape)
    if not height or not width:
        return luma
    sums = np.zeros((height // step, width // step), np.uint32)
    for down in range(step):
        for across in range(step):
            sums += luma[down:height:step, across:width:step]
    return np.asarray((2 * sums + step * step) // (2 * step * step), np.uint8)


def _corners(level: NDArray[np.uint8]) -> _Corners:
    smooth = cv2.GaussianBlur(level, (3, 3), 0)
    # Sums of products of derivatives are integers below 2^24, exact in any order; their products need doubles, and
    # the quotient rounds alike everywhere.
    along_x, along_y = (
        np.right_shift(cv2.Sobel(smooth, cv2.CV_16S, dx, 1 - dx, ksize=3).astype(np.int16), 2).astype(np.float32)
        for dx in (1, 0)
    )
    xx, yy, xy = (
        cv2.boxFilter(product, -1, (5, 5), normalize=False).astype(np.float64)
        for product in (along_x * along_x, along_y * along_y, along_x * along_y)
    )
    response = (xx * yy - xy * xy) / (xx + yy + _EVEN)
    inner = np.zeros(level.shape, bool)
    inner[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = True
    peaks = (response == cv2.dilate(response, np.ones((5, 5), np.uint8))) & (response > _LEAST_RESPONSE) & inner
    y, x = np.nonzero(peaks)
    order = np.argsort(-response[y, x], kind="stable")
    return _Corners(x[order], y[order])


def _spread(corners: _Corners, shape: tuple[int, ...], most: int) -> _Corners:
    """Return the most pronounced corners of each cell, as many of each as there are, up to `most` in all."""
    cells = corners.y * _CELLS // shape[0] * _CELLS + corners.x * _CELLS // shape[1]
    order = np.argsort(cells, kind="stable")
    starts = np.searchsorted(cells[order], np.arange(_CELLS**2))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order)) - starts[cells[order]]
    taken = np.argsort(ranks, kind="stable")[:most]
    return _Corners(corners.x[taken], corners.y[taken])


def _least_apart(differences: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return which bits are the `UNSURE` with least differences of each group of 16, n x bits."""
    groups = differences.reshape(len(differences), DESCRIPTOR_BITS // GROUP_BITS, GROUP_BITS)
    least = np.argsort(groups, axis=2, kind="stable")[:, :, :UNSURE]
    marked = np.zeros(groups.shape, bool)
    np.put_along_axis(marked, least, True, axis=2)
    return marked.reshape(differences.shape)


def _described(level: NDArray[np.uint8], number: int, corners: _Corners) -> NDArray[np.void]:
    height, width = level.shape
    smooth = cv2.copyMakeBorder(cv2.GaussianBlur(level, (7, 7), 0), *(4 * (RADIUS,)), cv2.BORDER_REFLECT_101)
    x, y = corners.x + RADIUS, corners.y + RADIUS
    disc = smooth[y[:, np.newaxis] + _DOWN, x[:, np.newaxis] + _ACROSS].astype(np.int64)
    centroids = np.stack([disc @ _ACROSS, disc @ _DOWN], axis=1)
    directions = (centroids @ TURNS.T).argmax(axis=1)
    tests = TESTS[directions]
    levels = smooth[y[:, np.newaxis, np.newaxis] + tests[..., 1], x[:, np.newaxis, np.newaxis] + tests[..., 0]]
    records = np.zeros(len(x), RECORD)
    records["x"] = ((2 * corners.x + 1) << 15) // width
    records["y"] = ((2 * corners.y + 1) << 15) // height
    records["level"], records["direction"] = number, directions
    apart = levels[..., 0].astype(np.int16) - levels[..., 1]
    records["bits"] = np.packbits(apart < 0, axis=1)
    records["unsure"] = np.packbits(_least_apart(np.abs(apart)), axis=1)
    return records
