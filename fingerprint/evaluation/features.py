"""The three features of ``image/paper-v0`` alone, beside their combination: what the paper's Figure 3 compares."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.evaluation.methods import SCORE, Generator, Search, Similarities
from countermark.fingerprint.image import PAPER_THUMBNAIL_SIDE
from countermark.fingerprint.image.config import PAPER_V0
from countermark.fingerprint.image.dct64 import hamming, hash_words
from countermark.fingerprint.image.histogram import histogram_similarity
from countermark.fingerprint.image.paper_v0 import GENERATOR
from countermark.fingerprint.image.ssim import ssim

__all__ = ["FEATURES", "PaperFeatures", "method_of"]

FEATURES: Final = ("histogram", "dct64", "ssim")
"""Names of the similarities besides the score, which is their weighted sum."""

_BATCH = 512
"""Pictures compared at once: the windows of their thumbnails take memory."""


class PaperFeatures(Generator):
    """Fingerprints by ``image/paper-v0``, compared by each feature and by its score."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(GENERATOR)

    def search(self, gallery: Sequence[Fingerprint]) -> Search[Fingerprint]:
        """Return a function that tells the similarities of a fingerprint to each of `gallery`."""
        return lambda query: self.similarities(query, gallery)

    def similarities(self, query: Fingerprint, gallery: Sequence[Fingerprint]) -> Similarities:
        """Return each feature's similarity and the score of `query` with each of `gallery`."""
        features = np.concatenate([np.stack(batch) for batch in _batches(query, gallery)], axis=1)
        weights = PAPER_V0.weights
        # The same operations in the same order as the generator's own, so that not even roundings differ.
        score = weights.histogram * features[0] + weights.dct64 * features[1] + weights.ssim * features[2]
        return {**dict(zip(FEATURES, features, strict=True)), SCORE: np.minimum(1.0, score)}


def method_of(generator: str) -> Generator:
    """Return the method that compares fingerprints by `generator` in all the ways that are reported of it."""
    return PaperFeatures() if generator == GENERATOR else Generator(generator)


def _batches(query: Fingerprint, gallery: Sequence[Fingerprint]) -> Iterator[tuple[NDArray[np.float64], ...]]:
    for start in range(0, len(gallery), _BATCH):
        batch = gallery[start : start + _BATCH]
        thumbnails = _thumbnails(batch)
        yield (
            histogram_similarity(_histograms([query]), _histograms(batch)),
            1 - hamming(_hashes([query]), _hashes(batch)) / 64,
            np.maximum(0.0, ssim(np.broadcast_to(_thumbnails([query]), thumbnails.shape), thumbnails)),
        )


def _joined(fingerprints: Sequence[Fingerprint], segment: str) -> bytes:
    return b"".join(one.segment(segment) for one in fingerprints)


def _histograms(fingerprints: Sequence[Fingerprint]) -> NDArray[np.integer]:
    return np.frombuffer(_joined(fingerprints, "histogram"), ">u2").reshape(len(fingerprints), -1)


def _hashes(fingerprints: Sequence[Fingerprint]) -> NDArray[np.uint64]:
    return hash_words(_joined(fingerprints, "dct64"))


def _thumbnails(fingerprints: Sequence[Fingerprint]) -> NDArray[np.uint8]:
    side = PAPER_THUMBNAIL_SIDE
    return np.frombuffer(_joined(fingerprints, "thumbnail"), np.uint8).reshape(-1, side, side)
