"""The generator for files of any kind, ``bytes/v1``: known again by the short windows of bytes that they are made of.

This module declares the layout and loads nothing; the code is in the sub-modules.
"""

from typing import Final

from countermark.fingerprint.registry import Generator, Implementation, Layout, SegmentRule, register
from countermark.fingerprint.sketch import payload_bytes, sensible

__all__ = ["CONTENT", "LEAST_LEVEL", "MOST_CONTENT", "MOST_PACKED", "PACKED", "register_generators"]

CONTENT: Final = "content"
"""The segment that samples the file's bytes, or, if the file is compressed, what it unpacks to."""

PACKED: Final = "packed"
"""The segment that samples the compressed bytes, of every layer; empty if the file is not compressed."""

MOST_CONTENT: Final = 4096
"""Hashes of the content that are kept."""

MOST_PACKED: Final = 1024
"""Hashes of the compressed bytes that are kept: they only tell the same compressed file in an uncompressed one."""

LEAST_LEVEL: Final = 3
"""Level of a small file's sample: one window of eight is kept. Neighbours overlap: more of them tell little more."""


def _sensible(payload: bytes) -> bool:
    return payload[0] >= LEAST_LEVEL and sensible(payload)


def _sample(name: str, most: int) -> SegmentRule:
    return SegmentRule(name, payload_bytes(0), payload_bytes(most), _sensible)


_V1 = Layout((_sample(CONTENT, MOST_CONTENT), _sample(PACKED, MOST_PACKED)))


def _load_v1() -> Implementation:
    from countermark.fingerprint.binary import v1

    return v1


def register_generators() -> None:
    """Register the generator of files of any kind."""
    register(Generator("bytes/v1", _V1, _load_v1))
