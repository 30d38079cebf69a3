"""64-bit hash of the low frequencies (paper section III.C, feature 2), in integers.

The paper calls it aHash, describes a DCT and evaluates a pHash; here it is ``dct64``.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HASHED_SIDE",
    "NO_HASH",
    "cosine",
    "hamming",
    "hash_similarity",
    "hash_with_mean",
    "hash_without_dc",
    "hash_words",
    "low_frequencies",
]

HASHED_SIDE = 32

NO_HASH = 0
"""Stands where there is nothing to hash. Hashes without the constant term have 31 bits, so it is none of them."""

_KEPT = 8

# round(2^14 * cos(k * pi / 64)), k = 0 to 64: written down, so that no mathematics library has a say.
_COSINES: Final = (
    16384, 16364, 16305, 16207, 16069, 15893, 15679, 15426, 15137, 14811, 14449, 14053, 13623, 13160, 12665, 12140,
    11585, 11003, 10394, 9760, 9102, 8423, 7723, 7005, 6270, 5520, 4756, 3981, 3196, 2404, 1606, 804, 0,
)  # fmt: skip


def cosine(step: int) -> int:
    """Return 2^14 times the cosine of ``step`` times pi/64."""
    step %= 128
    step = min(step, 128 - step)
    return _COSINES[step] if step <= 32 else -_COSINES[64 - step]


_BASIS = np.array([[cosine((2 * x + 1) * k) for x in range(HASHED_SIDE)] for k in range(_KEPT)], dtype=np.int64)


def low_frequencies(views: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the 8 x 8 lowest coefficients of the DCT-II of n x 32 x 32 views, as n x 64 integers in a common unit.

    The orthonormal transform halves the weight of the zeroth row and column by sqrt(2); so does this one, by
    11585/16384.
    """
    # Matrix products of floats are exact here: every partial sum is an integer below 2^53.
    basis = _BASIS.astype(np.float64)
    products = (basis @ views.astype(np.float64) @ basis.T).astype(np.int64)
    products[:, 0, :] = products[:, 0, :] * _COSINES[16] // _COSINES[0]
    products[:, :, 0] = products[:, :, 0] * _COSINES[16] // _COSINES[0]
    return products.reshape(len(views), _KEPT * _KEPT)


def hash_with_mean(views: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return the paper's hash of n x 32 x 32 views: a bit is whether a coefficient is above the mean of all 64."""
    coefficients = low_frequencies(views)
    return _pack(coefficients * coefficients.shape[1] > coefficients.sum(axis=1, keepdims=True))


def hash_without_dc(views: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return the hash of n x 32 x 32 views by the median of the 63 coefficients besides the constant one.

    The constant term is no feature of the content and, being large, would draw the threshold; its bit is 0.
    """
    coefficients = low_frequencies(views)
    medians = np.sort(coefficients[:, 1:], axis=1)[:, 31:32]
    bits = coefficients > medians
    bits[:, 0] = False
    return _pack(bits)


def _pack(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    return hash_words(np.packbits(bits, axis=1).tobytes())


def hash_words(segment: bytes) -> NDArray[np.uint64]:
    """Return the hashes that a segment holds, eight bytes each."""
    return np.frombuffer(segment, ">u8").astype(np.uint64)


def hamming(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the distance in bits, 0 to 64, between hashes, broadcast against each other."""
    return np.asarray(np.bitwise_count(first ^ second))


def hash_similarity(bits: NDArray[np.integer], hashed_bits: int) -> NDArray[np.float64]:
    """Return 1 for hashes of `hashed_bits` that differ in 0 bits, 0 for hashes no nearer than chance."""
    return np.asarray(np.maximum(0.0, 1 - bits.astype(np.int64) * 2 / hashed_bits))
