"""Colour histogram (paper section III.C, feature 1)."""

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image import HISTOGRAM_BINS

__all__ = ["colour_histogram", "foreground_similarity", "histogram_similarity"]

_FULL = 0xFFFF


def colour_histogram(colours: NDArray[np.integer]) -> bytes:
    """Return the shares of the 64 colour bins, as u16 of 65,535, of height x width x 3 colours of 0 to 255."""
    counts = np.zeros(HISTOGRAM_BINS, np.int64)
    for row in colours:
        levels = row >> 6
        counts += np.bincount(levels[:, 0] * 16 + levels[:, 1] * 4 + levels[:, 2], minlength=HISTOGRAM_BINS)
    return bytes((counts * _FULL // counts.sum()).astype(">u2"))


def histogram_similarity(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the intersection, 0 to 1, of ... x 64 histograms as read from the segments."""
    shared = np.minimum(first, second).sum(axis=-1, dtype=np.int64)
    total = np.minimum(first.sum(axis=-1, dtype=np.int64), second.sum(axis=-1, dtype=np.int64))
    return np.asarray(shared / np.maximum(total, 1))


def foreground_similarity(first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the same without the bin that the two share most of: drawings on one background share that already."""
    shared = np.minimum(first, second).astype(np.int64)
    ground = shared.max(axis=-1)
    total = np.minimum(first.sum(axis=-1, dtype=np.int64), second.sum(axis=-1, dtype=np.int64)) - ground
    return np.asarray((shared.sum(axis=-1) - ground) / np.maximum(total, 1))
