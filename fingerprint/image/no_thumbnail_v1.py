"""``image/no-thumbnail-v1``: for sensitive pictures; its fingerprint has nothing that lies anywhere in the picture.

No thumbnail, no hash of a view, no place of a corner: of each of these a rough picture can be drawn. What is left are
the surroundings of corners, in no order, and mean and spread of the colours. It finds fewer copies than ``image/v1``.
"""

from collections.abc import Sequence
from typing import BinaryIO, Final

import numpy as np

from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.image import THUMBNAIL_SIDE
from countermark.fingerprint.image.config import NO_THUMBNAIL_V1, UnplacedConfig
from countermark.fingerprint.image.decode import Pixels, decode
from countermark.fingerprint.image.gallery import Gallery
from countermark.fingerprint.image.no_thumbnail_corners import corners_of, unplaced_corners
from countermark.fingerprint.image.no_thumbnail_matching import Described, Evidence, evidence
from countermark.fingerprint.image.plain import alike_in_colour, colour_levels, levels_of
from countermark.fingerprint.image.resample import area_means
from countermark.fingerprint.image.segment import Entry

__all__ = ["GENERATOR", "compare_many", "compute", "fingerprint_of", "index", "is_featureless"]

GENERATOR: Final = "image/no-thumbnail-v1"


def compute(source: BinaryIO) -> Fingerprint:
    """Return the fingerprint of the picture that `source` yields.

    Raises:
        FingerprintError: as `decode`.
    """
    return fingerprint_of(decode(source))


def fingerprint_of(pixels: Pixels) -> Fingerprint:
    """Return the fingerprint of decoded pixels."""
    return Fingerprint(
        GENERATOR,
        (
            Segment("levels", colour_levels(area_means(pixels, THUMBNAIL_SIDE))),
            Segment("corners", unplaced_corners(pixels)),
        ),
    )


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how `query` compares with each of `references`."""
    config = NO_THUMBNAIL_V1
    ours = _described(query, config)
    return [_compare(query, ours, reference, config) for reference in references]


def _described(fingerprint: Fingerprint, config: UnplacedConfig) -> Described:
    return Described.of(corners_of(fingerprint), config)


def _compare(query: Fingerprint, ours: Described, reference: Fingerprint, config: UnplacedConfig) -> Comparison:
    theirs = _described(reference, config)
    told = [one.weight >= config.least_features for one in (ours, theirs)]
    if not any(told):
        same = alike_in_colour(query, reference, config.colour_levels)
        reason = f"both without features, {'the same' if same else 'other'} colours"
        return _concluded(config.thresholds.review if same else 0.0, (reason,), config)
    if not all(told):
        return _concluded(0.0, ("one of them without features",), config)
    if query == reference:
        return _concluded(1.0, ("identical fingerprints",), config)
    found = evidence(ours, theirs, config)
    return _concluded(found.weight / (found.weight + config.enough), (_reason(found),), config)


def _reason(found: Evidence) -> str:
    if not found.corners:
        return "no corners resemble each other"
    return f"{found.corners} corners agree on a turn and size, with the weight of {found.weight:.1f} equal ones"


def _concluded(score: float, reasons: tuple[str, ...], config: UnplacedConfig) -> Comparison:
    return Comparison(config.thresholds.decide(score), score, reasons, GENERATOR, config.id)


def index() -> Gallery:
    """Return an empty index."""
    return Gallery(NO_THUMBNAIL_V1.candidates, _entry)


def _entry(fingerprint: Fingerprint) -> Entry:
    colours = levels_of(fingerprint) if is_featureless(fingerprint) else None
    return Entry(np.empty(0, np.uint64), corners_of(fingerprint), colours)


def is_featureless(fingerprint: Fingerprint) -> bool:
    """Return whether the picture has too few corners that are unlike each other to be known by them."""
    return _described(fingerprint, NO_THUMBNAIL_V1).weight < NO_THUMBNAIL_V1.least_features
