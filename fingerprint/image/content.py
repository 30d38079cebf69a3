"""Where the content of a picture lies that has plain margins: goods on white, a short note, a header strip.

On the whole picture such content covers a few pixels of the thumbnail, and what two of them share, the margins, says
nothing. So the part within the margins is fingerprinted as a picture of its own, besides the whole.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image.decode import Pixels
from countermark.fingerprint.image.resample import area_means

__all__ = ["GRID_SIDE", "content_of"]

GRID_SIDE = 112
"""Margins are looked for on the picture averaged over so many cells a side."""

_TOLERANCE: Final = 20
"""Levels by which a cell of the margin may differ, in any channel, from the margins' median colour."""

_LEAST_CELLS: Final = 2
"""A row or column with fewer differing cells belongs to the margin: a speck of noise is no content."""

_MOST_MARGINS: Final = 3
"""How many margins, one within the other, are taken off."""

_LARGEST_PERCENT: Final = 87
"""A content that covers more of the picture is not worth a second look: the views of the whole are near enough."""


def content_of(pixels: Pixels, grid: NDArray[np.integer]) -> Pixels | None:
    """Return the part of `pixels` within plain margins, or None if there are none or hardly any, or nothing within.

    Margins may lie within margins, as white paper within a black frame.

    Args:
        pixels: Height x width x 3.
        grid: The same, averaged over `GRID_SIDE` x `GRID_SIDE` cells, in levels.
    """
    content = _within_margins(pixels, grid)
    if content is None:
        return None
    for _ in range(_MOST_MARGINS - 1):
        # A border of a cell may be half of the margin that was taken off.
        inner = _inset(content)
        part = _within_margins(inner, area_means(inner, GRID_SIDE)) if inner.size else None
        if part is None:
            break
        content = part
    return content


def _inset(pixels: Pixels) -> Pixels:
    down, across = (-(-length // GRID_SIDE) for length in pixels.shape[:2])
    return pixels[down:-down, across:-across]


def _within_margins(pixels: Pixels, grid: NDArray[np.integer]) -> Pixels | None:
    rim = np.concatenate([grid[0], grid[-1], grid[1:-1, 0], grid[1:-1, -1]])
    ground = np.sort(rim, axis=0)[len(rim) // 2]
    differs = np.abs(grid - ground).max(axis=2) > _TOLERANCE
    rows, columns = (np.flatnonzero(differs.sum(axis=axis) >= _LEAST_CELLS) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return None
    height, width = pixels.shape[:2]
    upper, lower = _in_pixels(rows, height)
    left, right = _in_pixels(columns, width)
    if 100 * (lower - upper) * (right - left) > _LARGEST_PERCENT * height * width:
        return None
    return pixels[upper:lower, left:right]


def _in_pixels(cells: NDArray[np.integer], length: int) -> tuple[int, int]:
    first, last = int(cells[0]), int(cells[-1]) + 1
    return first * length // GRID_SIDE, -(-last * length // GRID_SIDE)
