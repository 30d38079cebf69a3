"""``image/v1``: the paper's three features, over many views, on a contrast-normalised thumbnail.

The hashes are those of views of the thumbnail, so a fingerprint needs no second look at the picture; they are kept,
not recomputed, because thousands of fingerprints are searched at once.
"""

from collections.abc import Sequence
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.image import ASPECT_UNIT, THUMBNAIL_SIDE
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.contrast import normalise
from countermark.fingerprint.image.dct64 import HASHED_SIDE, hash_without_dc
from countermark.fingerprint.image.decode import Pixels, decode
from countermark.fingerprint.image.histogram import colour_histogram
from countermark.fingerprint.image.matching import compare_with_all
from countermark.fingerprint.image.resample import area_means, grey, sample
from countermark.fingerprint.image.views import view_maps

__all__ = ["GENERATOR", "compare_many", "compute", "fingerprint_of"]

GENERATOR: Final = "image/v1"

_FRACTION_BITS = 8
_LEAST_SPREAD = 1 << _FRACTION_BITS
"""A picture whose grey levels spread by less than one level is flat."""


def compute(source: BinaryIO) -> Fingerprint:
    """Return the fingerprint of the picture that `source` yields.

    Raises:
        FingerprintError: ``empty_file``, ``image_too_large`` or ``not_an_image``.
    """
    return fingerprint_of(decode(source))


def fingerprint_of(pixels: Pixels) -> Fingerprint:
    """Return the fingerprint of decoded pixels."""
    height, width = pixels.shape[:2]
    aspect = min(max(width * ASPECT_UNIT // height, ASPECT_UNIT // 64), ASPECT_UNIT * 64)
    colours = area_means(pixels, THUMBNAIL_SIDE, _FRACTION_BITS)
    thumbnail = normalise(grey(colours)[np.newaxis], _LEAST_SPREAD)
    return Fingerprint(
        GENERATOR,
        (
            Segment("aspect", aspect.to_bytes(4)),
            Segment("histogram", colour_histogram(colours >> _FRACTION_BITS)),
            Segment("dct64", _view_hashes(thumbnail, aspect).astype(">u8").tobytes()),
            Segment("thumbnail", thumbnail.tobytes()),
        ),
    )


def _view_hashes(thumbnail: NDArray[np.uint8], aspect: int) -> NDArray[np.uint64]:
    maps = view_maps(aspect)
    thumbnails = np.broadcast_to(thumbnail, (len(maps), *thumbnail.shape[1:]))
    return hash_without_dc(sample(thumbnails, maps, HASHED_SIDE, oversample=2))


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how `query` compares with each of `references`."""
    return compare_with_all(query, references, V1)
