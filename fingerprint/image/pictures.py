"""The features of pictures as ``image/v1`` keeps them, and arrays of those of many pictures.

A fingerprint holds one or two pictures: the whole one, and its content where that lies within plain margins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.image import FEATURE_LENGTHS, FEATURES, THUMBNAIL_SIDE
from countermark.fingerprint.image.dct64 import NO_HASH, hash_words

__all__ = ["Features", "Pictures", "content", "flat_share", "is_plain", "whole"]

Features = tuple[bytes, ...]
"""The payloads of `FEATURES` of one picture."""

_ENDS = tuple(accumulate(FEATURE_LENGTHS, initial=0))
_HASHES = FEATURES.index("dct64")
_THUMBNAIL = FEATURES.index("thumbnail")
_ONE_LEVEL = 2
"""Levels of the normalised thumbnail by which one level may be missed."""

_NO_HASHES = NO_HASH.to_bytes(8) * (FEATURE_LENGTHS[_HASHES] // 8)


@dataclass(frozen=True)
class Pictures:
    """The features of several pictures as arrays."""

    aspects: list[int]
    histograms: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]

    @classmethod
    def of(cls, pictures: Sequence[Features]) -> "Pictures":
        """Return the features of `pictures`, at least one."""
        aspects, histograms, hashes, thumbnails = zip(*pictures, strict=True)
        count = len(pictures)
        return cls(
            [int.from_bytes(aspect) for aspect in aspects],
            np.frombuffer(b"".join(histograms), ">u2").astype(np.int64).reshape(count, -1),
            hash_words(b"".join(hashes)).reshape(count, -1),
            np.frombuffer(b"".join(thumbnails), np.uint8).reshape(count, THUMBNAIL_SIDE, THUMBNAIL_SIDE),
        )


def whole(fingerprint: Fingerprint) -> Features:
    """Return the features of the whole picture."""
    return tuple(fingerprint.segment(name) for name in FEATURES)


def content(fingerprint: Fingerprint) -> Features | None:
    """Return the features of the content within plain margins, or None where there are no such margins."""
    joined = fingerprint.segment("content")
    return tuple(joined[start:end] for start, end in pairwise(_ENDS)) if joined else None


def flat_share(picture: Features) -> float:
    """Return the share of the thumbnail, 0 to 1, that has nearly one level: the ground that a drawing lies on."""
    levels = np.frombuffer(picture[_THUMBNAIL], np.uint8)
    counts = np.bincount(levels, minlength=256 + 2 * _ONE_LEVEL)
    return int(np.convolve(counts, np.ones(2 * _ONE_LEVEL + 1, np.int64)).max()) / len(levels)


def is_plain(fingerprint: Fingerprint) -> bool:
    """Return whether no view of the picture has enough texture to be told from others."""
    within = content(fingerprint)
    return fingerprint.segment("dct64") == _NO_HASHES and (within is None or within[_HASHES] == _NO_HASHES)
