"""The part that two pictures share by an agreement of their corners, as a view of the one and a view of the other."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image import ASPECT_UNIT
from countermark.fingerprint.image.consensus import Agreement
from countermark.fingerprint.image.resample import UNIT

__all__ = ["LEAST_SIDE", "shared_views"]

Floats = NDArray[np.float64]

LEAST_SIDE: Final = 0.15
"""A shared part narrower than this, in the longer side of a picture, shows nothing on a thumbnail."""

_OUTLINE: Final = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
_COMPLEX: Final = np.array([1, 1j])


def shared_views(
    ours: int, theirs: int, agreement: Agreement, mirrored: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the map of the shared part into our picture and into theirs, or None where there is hardly any.

    Args:
        ours: Width over height of our picture, in 1/`ASPECT_UNIT`.
        theirs: The same of theirs.
        agreement: From our picture, or from its mirror image, to theirs.
        mirrored: Whether it is from the mirror image.
    """
    scale = abs(agreement.factor)
    if not LEAST_SIDE <= scale <= 1 / LEAST_SIDE:
        return None
    our_half, their_half = _half_sides(ours), _half_sides(theirs)
    outline = (_OUTLINE * their_half @ _COMPLEX - agreement.shift) / agreement.factor
    # Of a turned picture the two inner of its four corners' coordinates bound a part that lies in it, nearly.
    _, lower, upper, _ = np.sort([outline.real, outline.imag], axis=1).T
    lower, upper = np.maximum(lower, -our_half), np.minimum(upper, our_half)
    if (upper - lower).min() * min(1.0, scale) < LEAST_SIDE:
        return None
    # The part's half sides, as the columns of a map, and its centre; then where the agreement takes them.
    half, centre = (upper - lower) / 2, (upper + lower) / 2
    box = np.array([[half[0], 0, centre[0]], [0, half[1], centre[1]]])
    taken = agreement.factor * (box[0] + 1j * box[1]) + [0, 0, agreement.shift]
    seen = np.array([taken.real, taken.imag])
    shown = box * [[-1], [1]] if mirrored else box
    return _in_units(shown / our_half[:, np.newaxis]), _in_units(seen / their_half[:, np.newaxis])


def _half_sides(aspect: int) -> Floats:
    return np.array([min(1.0, aspect / ASPECT_UNIT), min(1.0, ASPECT_UNIT / aspect)]) / 2


def _in_units(maps: Floats) -> NDArray[np.int64]:
    return np.rint(maps * UNIT).astype(np.int64)
