"""The views of an image of which ``image/v1`` keeps a hash.

A copy that was cropped a little, turned by a quarter, mirrored or framed resembles not the whole original but some
part of it. Every fingerprint therefore holds the hashes of many views of its image. Two images are compared by taking
a few views of the one (`TEMPLATES`) against nearly all of the other (`TARGETS`), both ways round.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image import THUMBNAIL_SIDE
from countermark.fingerprint.image.dct64 import HASHED_SIDE
from countermark.fingerprint.image.resample import UNIT, Affine

__all__ = ["TARGETS", "TEMPLATES", "VIEWS", "VIEW_MAPS", "WHOLE", "View", "hashed_views"]


@dataclass(frozen=True, slots=True)
class View:
    """A part of an image.

    Attributes:
        x: Left and right border, in thousandths of the width.
        y: Upper and lower border, in thousandths of the height.
        quarters: Quarter turns of the finished view.
        mirrored: Whether the finished view is mirrored left to right, before its quarter turns.
    """

    x: tuple[int, int] = (0, 1000)
    y: tuple[int, int] = (0, 1000)
    quarters: int = 0
    mirrored: bool = False

    def map(self) -> Affine:
        """Return where the view lies in an image."""
        (xx, xy), (yx, yy) = (UNIT * (self.x[1] - self.x[0]) // 1000, 0), (0, UNIT * (self.y[1] - self.y[0]) // 1000)
        if self.mirrored:
            xx, yx = -xx, -yx
        for _ in range(self.quarters):
            xx, xy, yx, yy = xy, -xx, yy, -yx
        dx, dy = (UNIT * (low + high - 1000) // 1000 for low, high in (self.x, self.y))
        return Affine(xx, xy, dx, yx, yy, dy)


def _grid(*intervals: tuple[int, int]) -> list[View]:
    return [View(x, y) for y in intervals for x in intervals]


_NEARLY_WHOLE = _grid((0, 1000), (70, 1000), (0, 930), (70, 930))
_THREE_QUARTERS = _grid((0, 750), (125, 875), (250, 1000))
_INNER = [View(y=(125, 875)), View(x=(125, 875)), View((180, 820), (180, 820))]
_REFLECTED = [View(quarters=q, mirrored=m) for m in (False, True) for q in range(4) if (q, m) != (0, False)]

VIEWS: Final = (*_NEARLY_WHOLE, *_THREE_QUARTERS, *_INNER, *_REFLECTED)
"""All views, in the order of their hashes; the first is the whole image."""

TEMPLATES: Final = tuple(
    index
    for index, view in enumerate(VIEWS)
    if view == View()
    or view in _INNER
    or view in _REFLECTED
    or (view.x == view.y and view.x in ((70, 930), (125, 875)))
)
"""Views of the one image that are looked for in the other."""

TARGETS: Final = tuple(index for index, view in enumerate(VIEWS) if view not in _REFLECTED)
"""Views of the other image among which they are looked for."""

WHOLE: Final = tuple(index for index, view in enumerate(VIEWS) if view == View() or view in _REFLECTED)
"""Views of the whole image, upright, turned or mirrored."""


VIEW_MAPS: Final[NDArray[np.int64]] = np.array([view.map().rows() for view in VIEWS], dtype=np.int64)
"""The maps of all views, n x 2 x 3; not to be written to."""

_INTERVALS: Final = tuple(sorted({interval for view in VIEWS for interval in (view.x, view.y)}))
_POINTS: Final = 2
"""Points per pixel of a view and axis, interpolated linearly and averaged."""


def _weights(low: int, high: int) -> NDArray[np.float64]:
    """Return the weight of each pixel of a thumbnail's row, in 1/512, for each pixel of a view of this part of it."""
    count = HASHED_SIDE * _POINTS
    steps = 2 * np.arange(count) + 1
    # In 1/256 of a pixel, counted from the centre of the first one.
    places = (2 * low * count + (high - low) * steps) * (THUMBNAIL_SIDE << 8) // (2000 * count) - (1 << 7)
    places = np.clip(places, 0, (THUMBNAIL_SIDE - 1) << 8)
    # The last pixel has no neighbour: its place is the one before it, and all the way along.
    whole = np.minimum(places >> 8, THUMBNAIL_SIDE - 2)
    part = places - (whole << 8)
    weights = np.zeros((HASHED_SIDE, THUMBNAIL_SIDE))
    for pixel, first, second in zip(np.arange(count) // _POINTS, whole, part, strict=True):
        weights[pixel, first] += (1 << 8) - second
        weights[pixel, first + 1] += second
    return weights


_all_weights = np.concatenate([_weights(*interval) for interval in _INTERVALS])


def hashed_views(thumbnail: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return all views of a square thumbnail, n x `HASHED_SIDE` x `HASHED_SIDE`, 0 to 255."""
    # All parts are products of intervals, so two products of matrices give them all, in a tenth of the time of
    # `resample.sample`, which takes any map; of doubles, which hold these integers exactly.
    sums = _all_weights @ thumbnail.astype(np.float64) @ _all_weights.T
    unit = ((1 << 8) * _POINTS) ** 2
    parts = ((2 * sums.astype(np.int64) + unit) // (2 * unit)).reshape(
        len(_INTERVALS), HASHED_SIDE, len(_INTERVALS), HASHED_SIDE
    )
    return np.stack([_shown(parts[_INTERVALS.index(view.y), :, _INTERVALS.index(view.x)], view) for view in VIEWS])


def _shown(part: NDArray[np.int64], view: View) -> NDArray[np.int64]:
    return np.rot90(part[:, ::-1] if view.mirrored else part, view.quarters)
