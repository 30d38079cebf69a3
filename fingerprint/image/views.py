"""The views of an image of which ``image/v1`` keeps a hash.

A copy that was cropped, turned a little, mirrored or framed resembles not the whole original but some part of it.
Every fingerprint therefore holds the hashes of many views of its image. Two images are compared by taking a few
views of the one (`TEMPLATES`) against nearly all of the other (`TARGETS`), both ways round.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image import ASPECT_UNIT
from countermark.fingerprint.image.resample import UNIT, Affine

__all__ = ["TARGETS", "TEMPLATES", "VIEWS", "WHOLE", "View", "view_maps"]

# Sine and cosine in `UNIT`, by tenths of a degree.
_ANGLES: Final = {-50: (-5712, 65287), -25: (-2859, 65474), 0: (0, 65536), 25: (2859, 65474), 50: (5712, 65287)}


@dataclass(frozen=True, slots=True)
class View:
    """A part of an image.

    Attributes:
        x: Left and right border, in thousandths of the width.
        y: Upper and lower border, in thousandths of the height.
        angle: Turn of the frame, in tenths of a degree.
        inscribed: Whether a turned frame is shrunk until it lies within the image.
        quarters: Quarter turns of the finished view.
        mirrored: Whether the finished view is mirrored left to right, before its quarter turns.
    """

    x: tuple[int, int] = (0, 1000)
    y: tuple[int, int] = (0, 1000)
    angle: int = 0
    inscribed: bool = False
    quarters: int = 0
    mirrored: bool = False

    def map(self, aspect: int) -> Affine:
        """Return where the view lies in an image `aspect` (in 1/1024) times as wide as high."""
        width, height = (UNIT * (high - low) // 1000 for low, high in (self.x, self.y))
        sine, cosine = _ANGLES[self.angle]
        if self.inscribed:
            # The corners of a frame of half sides 1 and 1, turned, reach cosine + longer / shorter side * sine.
            longer = max(aspect, ASPECT_UNIT * ASPECT_UNIT // aspect)
            reach = cosine + abs(sine) * longer // ASPECT_UNIT
            width, height = width * UNIT // reach, height * UNIT // reach
        columns = (
            (width * cosine // UNIT, width * sine // UNIT * aspect // ASPECT_UNIT),
            (-(height * sine // UNIT) * ASPECT_UNIT // aspect, height * cosine // UNIT),
        )
        (xx, yx), (xy, yy) = columns
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
_THREE_FIFTHS = _grid((0, 600), (200, 800), (400, 1000))
_TURNED = [View(angle=angle, inscribed=inscribed) for inscribed in (False, True) for angle in (-50, -25, 25, 50)]
_INNER = [View(y=(125, 875)), View(x=(125, 875)), View((180, 820), (180, 820))]
_REFLECTED = [View(quarters=q, mirrored=m) for m in (False, True) for q in range(4) if (q, m) != (0, False)]

VIEWS: Final = (*_NEARLY_WHOLE, *_THREE_QUARTERS, *_THREE_FIFTHS, *_TURNED, *_INNER, *_REFLECTED)
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


@lru_cache(maxsize=256)
def view_maps(aspect: int) -> NDArray[np.int64]:
    """Return the maps of all views, n x 2 x 3, of an image of this aspect; not to be written to."""
    return np.array([view.map(aspect).rows() for view in VIEWS], dtype=np.int64)
