"""``image/paper-v0``: section III.C of the paper to the letter, for reproduction; trade with ``image/v1``.

Colour histogram; 32 x 32, DCT, its upper left 8 x 8, each above or below the mean of all 64; SSIM; similarity is the
sum of the three with equal weights. What the paper leaves open: 64 histogram bins compared by intersection, bits
compared by the share of equal ones, SSIM between grey thumbnails of 32 x 32 because it needs both images.
"""

from collections.abc import Sequence
from typing import BinaryIO, Final

import numpy as np

from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.image import PAPER_THUMBNAIL_SIDE
from countermark.fingerprint.image.config import PAPER_V0
from countermark.fingerprint.image.dct64 import hamming, hash_with_mean, hash_words
from countermark.fingerprint.image.decode import Pixels, decode
from countermark.fingerprint.image.histogram import colour_histogram, histogram_similarity
from countermark.fingerprint.image.resample import area_means, grey
from countermark.fingerprint.image.ssim import ssim

__all__ = ["GENERATOR", "compare_many", "compute", "fingerprint_of"]

GENERATOR: Final = "image/paper-v0"

_BATCH = 512


def compute(source: BinaryIO) -> Fingerprint:
    """Return the fingerprint of the picture that `source` yields.

    Raises:
        FingerprintError: as `decode`.
    """
    return fingerprint_of(decode(source))


def fingerprint_of(pixels: Pixels) -> Fingerprint:
    """Return the fingerprint of decoded pixels."""
    thumbnail = grey(area_means(pixels, PAPER_THUMBNAIL_SIDE)).astype(np.uint8)
    return Fingerprint(
        GENERATOR,
        (
            Segment("histogram", colour_histogram(pixels)),
            Segment("dct64", hash_with_mean(thumbnail[np.newaxis]).astype(">u8").tobytes()),
            Segment("thumbnail", thumbnail.tobytes()),
        ),
    )


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how `query` compares with each of `references`."""
    comparisons: list[Comparison] = []
    for start in range(0, len(references), _BATCH):
        comparisons += _compare_batch(query, references[start : start + _BATCH])
    return comparisons


def _compare_batch(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    histograms = np.stack([np.frombuffer(reference.segment("histogram"), ">u2") for reference in references])
    hashes = hash_words(b"".join(reference.segment("dct64") for reference in references))
    thumbnails = b"".join(reference.segment("thumbnail") for reference in references)
    shape = (PAPER_THUMBNAIL_SIDE, PAPER_THUMBNAIL_SIDE)
    colour = histogram_similarity(np.frombuffer(query.segment("histogram"), ">u2"), histograms)
    bits = 1 - hamming(hash_words(query.segment("dct64")), hashes) / 64
    theirs = np.frombuffer(thumbnails, np.uint8).reshape(-1, *shape)
    mine = np.broadcast_to(np.frombuffer(query.segment("thumbnail"), np.uint8).reshape(shape), theirs.shape)
    structure = np.maximum(0.0, ssim(mine, theirs))
    weights = PAPER_V0.weights
    scores = np.minimum(1.0, weights.histogram * colour + weights.dct64 * bits + weights.ssim * structure)
    return [
        Comparison(
            PAPER_V0.thresholds.decide(float(score)),
            float(score),
            (f"histogram {h:.3f}", f"dct64 {d:.3f}", f"ssim {s:.3f}"),
            GENERATOR,
            PAPER_V0.id,
        )
        for score, h, d, s in zip(scores, colour, bits, structure, strict=True)
    ]
