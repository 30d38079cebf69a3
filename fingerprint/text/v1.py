"""``text/v1``: a sample of a text's shingles, which tells how much of either text is in the other."""

from collections.abc import Sequence
from typing import BinaryIO, Final

from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.index.postings import Postings
from countermark.fingerprint.sketch.sample import Hashes
from countermark.fingerprint.text import MOST_SHINGLES, SHINGLES
from countermark.fingerprint.text.config import V1
from countermark.fingerprint.text.decode import blocks
from countermark.fingerprint.text.matching import compare_texts, is_short
from countermark.fingerprint.text.placed import Placed, Sampler
from countermark.fingerprint.text.shingles import shingles

__all__ = ["GENERATOR", "compare_many", "compute", "index", "is_featureless"]

GENERATOR: Final = "text/v1"


def compute(source: BinaryIO) -> Fingerprint:
    """Return the fingerprint of the text that `source` yields.

    Raises:
        FingerprintError: ``empty_file``, ``not_text`` or ``data_too_large``.
    """
    sampler = Sampler(MOST_SHINGLES)
    for hashes in shingles(blocks(source)):
        sampler.add(hashes)
    return Fingerprint(GENERATOR, (Segment(SHINGLES, sampler.sample().to_bytes()),))


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how `query` compares with each of `references`."""
    text = _text(query)
    return [compare_texts(text, _text(reference), GENERATOR, V1) for reference in references]


def is_featureless(fingerprint: Fingerprint) -> bool:
    """Return whether the text has too few words for a copy of it to be known."""
    return is_short(_text(fingerprint).sketch, V1)


def index() -> Postings:
    """Return an empty index."""
    return Postings(_smallest, _all, least=V1.least_shared, most_holders=V1.most_holders)


def _text(fingerprint: Fingerprint) -> Placed:
    return Placed.from_bytes(fingerprint.segment(SHINGLES))


def _smallest(fingerprint: Fingerprint) -> Hashes:
    # A sample as coarse as that of a much longer text has the smallest hashes only.
    return _text(fingerprint).sketch.hashes[: V1.stored]


def _all(fingerprint: Fingerprint) -> Hashes:
    return _text(fingerprint).sketch.hashes
