"""The kind ``collection``: a folder or a zip archive of files, each of a kind of its own. Here, its summary's layout.

A collection's fingerprints are its summary, by ``collection/v1``, and those of its files. The summary says how many
files of which kind there are, and holds hashes of their fingerprints. Reading it needs the standard library only.
"""

from typing import Final

from countermark.fingerprint import sketch
from countermark.fingerprint.registry import Generator, Implementation, Layout, SegmentRule, register

__all__ = ["GENERATOR", "MOST_KINDS", "MOST_SAMPLED", "counts_of", "counts_to_bytes", "register_generators"]

GENERATOR: Final = "collection/v1"

MOST_SAMPLED: Final = 4096
"""Files that a summary holds a hash of; of more, of a sample."""

MOST_KINDS: Final = 16
_LONGEST_KIND: Final = 16
_COUNT_BYTES: Final = 4


def counts_to_bytes(counts: dict[str, int]) -> bytes:
    """Return the segment that says how many files of each kind there are: kinds in the order of their names.

    Each is the length of its name, a byte, the name, and the number, four bytes.
    """
    return b"".join(
        bytes([len(kind)]) + kind.encode("ascii") + count.to_bytes(_COUNT_BYTES)
        for kind, count in sorted(counts.items())
    )


def counts_of(payload: bytes) -> dict[str, int]:
    """Return what `counts_to_bytes` wrote.

    Raises:
        ValueError: They are no such bytes.
    """
    counts: dict[str, int] = {}
    at = 0
    while at < len(payload):
        end = at + 1 + payload[at]
        kind, count = payload[at + 1 : end].decode("ascii"), payload[end : end + _COUNT_BYTES]
        if len(count) != _COUNT_BYTES or not 0 < len(kind) <= _LONGEST_KIND or not kind.isalnum() or not any(count):
            raise ValueError("no count of a kind")
        if counts and kind <= max(counts):
            raise ValueError("kinds do not ascend")
        counts[kind] = int.from_bytes(count)
        at = end + _COUNT_BYTES
    return counts


def _sensible_counts(payload: bytes) -> bool:
    try:
        return 0 < len(counts_of(payload)) <= MOST_KINDS
    except ValueError:
        return False


_LAYOUT = Layout(
    (
        SegmentRule("kinds", 6, MOST_KINDS * (1 + _LONGEST_KIND + _COUNT_BYTES), _sensible_counts),
        SegmentRule("files", sketch.payload_bytes(0), sketch.payload_bytes(MOST_SAMPLED), sketch.sensible),
    )
)


def _load() -> Implementation:
    from countermark.fingerprint.collection import v1

    return v1


def register_generators() -> None:
    """Register the generator of summaries."""
    register(Generator(GENERATOR, _LAYOUT, _load))
