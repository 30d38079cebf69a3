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
from countermark.fingerprint.image import ASPECT_UNIT, FEATURES, THUMBNAIL_SIDE
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.content import GRID_SIDE, content_of
from countermark.fingerprint.image.contrast import LEAST_VIEW_SPREAD, normalise
from countermark.fingerprint.image.dct64 import NO_HASH, hash_without_dc
from countermark.fingerprint.image.decode import Pixels, decode
from countermark.fingerprint.image.gallery import Gallery
from countermark.fingerprint.image.histogram import colour_histogram
from countermark.fingerprint.image.local import local_features
from countermark.fingerprint.image.matching import compare_with_all
from countermark.fingerprint.image.pictures import is_plain
from countermark.fingerprint.image.plain import colour_levels
from countermark.fingerprint.image.resample import area_means, grey
from countermark.fingerprint.image.ssim import textured
from countermark.fingerprint.image.views import hashed_views

__all__ = ["GENERATOR", "compare_many", "compute", "fingerprint_of", "index", "is_featureless"]

GENERATOR: Final = "image/v1"

_FRACTION_BITS = 8
_LEVEL = 1 << _FRACTION_BITS
_LEAST_SPREAD = 8 * _LEVEL
"""A picture whose grey levels spread by less is not brought to full contrast: that would show noise."""


def compute(source: BinaryIO) -> Fingerprint:
    """Return the fingerprint of the picture that `source` yields.

    Raises:
        FingerprintError: as `decode`.
    """
    return fingerprint_of(decode(source))


def fingerprint_of(pixels: Pixels) -> Fingerprint:
    """Return the fingerprint of decoded pixels."""
    grid = area_means(pixels, GRID_SIDE, _FRACTION_BITS)
    content = content_of(pixels, (grid + _LEVEL // 2) >> _FRACTION_BITS)
    colours = _halved(grid)
    within = () if content is None else _features(content.shape, area_means(content, THUMBNAIL_SIDE, _FRACTION_BITS))
    return Fingerprint(
        GENERATOR,
        (
            *map(Segment, FEATURES, _features(pixels.shape, colours)),
            Segment("levels", colour_levels(colours >> _FRACTION_BITS)),
            Segment("content", b"".join(within)),
            Segment("local", local_features(pixels)),
        ),
    )


def _halved(grid: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = grid.reshape(THUMBNAIL_SIDE, 2, THUMBNAIL_SIDE, 2, 3).sum(axis=(1, 3))
    return np.asarray((sums + 2) >> 2)


def _features(shape: tuple[int, ...], colours: NDArray[np.int64]) -> tuple[bytes, ...]:
    """Return the payloads of `FEATURES` of a picture of `shape` from its averaged colours."""
    height, width = shape[:2]
    aspect = min(max(width * ASPECT_UNIT // height, ASPECT_UNIT // 64), ASPECT_UNIT * 64)
    thumbnail = normalise(grey(colours)[np.newaxis], _LEAST_SPREAD)
    return (
        aspect.to_bytes(4),
        colour_histogram(colours >> _FRACTION_BITS),
        _view_hashes(thumbnail[0]).astype(">u8").tobytes(),
        thumbnail.tobytes(),
    )


def _view_hashes(thumbnail: NDArray[np.uint8]) -> NDArray[np.uint64]:
    views = hashed_views(thumbnail)
    # A view without texture resembles any other: it gets the hash that never resembles one.
    return np.where(textured(normalise(views, LEAST_VIEW_SPREAD)), hash_without_dc(views), np.uint64(NO_HASH))


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how `query` compares with each of `references`."""
    return compare_with_all(query, references, V1)


def index() -> Gallery:
    """Return an empty index."""
    return Gallery(V1.candidates)


def is_featureless(fingerprint: Fingerprint) -> bool:
    """Return whether no view of the picture, nor of a content within its margins, has texture."""
    return is_plain(fingerprint)
