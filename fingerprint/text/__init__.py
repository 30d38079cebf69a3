"""The generator for texts, ``text/v1``.

This module declares its layout and loads nothing; the code is in the sub-modules.
"""

from typing import Final

from countermark.fingerprint.registry import Generator, Implementation, Layout, SegmentRule, register
from countermark.fingerprint.sketch import HASH_BYTES, payload_bytes, sensible

__all__ = ["MOST_SHINGLES", "PLACES", "SHINGLES", "register_generators"]

MOST_SHINGLES: Final = 4096
"""Hashes of groups of words that are kept of a text."""

PLACES: Final = 256
"""Equal parts of a text by which is told where in it a group of words stands."""

SHINGLES: Final = "shingles"
"""The segment that holds them: a sample, see `sketch`, and then the place of each, a byte, in the same order."""


def _sensible(payload: bytes) -> bool:
    hashes, rest = divmod(len(payload) - 1, HASH_BYTES + 1)
    return not rest and sensible(payload[: payload_bytes(hashes)])


_V1 = Layout((SegmentRule(SHINGLES, payload_bytes(0), payload_bytes(MOST_SHINGLES) + MOST_SHINGLES, _sensible),))


def _load_v1() -> Implementation:
    from countermark.fingerprint.text import v1

    return v1


def register_generators() -> None:
    """Register the generator for texts."""
    register(Generator("text/v1", _V1, _load_v1))
