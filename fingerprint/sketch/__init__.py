"""Samples of hashes: what the fingerprints of texts, tables and bytes are made of. Here, what they look like.

A sample's bytes are a level L, one byte, and hashes of eight bytes each, big-endian: ascending, each once, all below
2^(64 - L). Reading them needs the standard library only.
"""

from itertools import pairwise
from typing import Final

__all__ = ["HASH_BYTES", "TOP_LEVEL", "payload_bytes", "sensible"]

HASH_BYTES: Final = 8
TOP_LEVEL: Final = 63


def payload_bytes(hashes: int) -> int:
    """Return how many bytes a sample of so many `hashes` takes."""
    return 1 + HASH_BYTES * hashes


def sensible(payload: bytes) -> bool:
    """Return whether `payload` is the one encoding of a sample."""
    if len(payload) % HASH_BYTES != 1 or payload[0] > TOP_LEVEL:
        return False
    hashes = [payload[at : at + HASH_BYTES] for at in range(1, len(payload), HASH_BYTES)]
    ascending = all(low < high for low, high in pairwise(hashes))
    return ascending and (not hashes or int.from_bytes(hashes[-1]) >> (64 - payload[0]) == 0)
