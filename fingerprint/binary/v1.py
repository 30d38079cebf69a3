"""``bytes/v1``: files of any kind, by samples of their windows (paper section III.C, data that are no pictures).

A zip file and whatever is made like one (office documents, jar, wheel) is taken as it is stored; only files that are
compressed as a whole are unpacked.
"""

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Final

import numpy as np

from countermark.fingerprint.binary import CONTENT, LEAST_LEVEL, MOST_PACKED, PACKED
from countermark.fingerprint.binary.config import V1
from countermark.fingerprint.binary.layers import Layer
from countermark.fingerprint.binary.matching import Samples, compare_with_all
from countermark.fingerprint.binary.tally import Tally
from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.index.postings import Postings
from countermark.fingerprint.sketch.sample import Hashes, Sampler, Sketch

__all__ = ["GENERATOR", "compare_many", "compute", "index", "is_featureless"]

GENERATOR: Final = "bytes/v1"

_READ_BYTES: Final = 1 << 20


def compute(source: BinaryIO) -> Fingerprint:
    """Return the fingerprint of a file of any kind, read once and in constant memory.

    Raises:
        FingerprintError: ``empty_file``, ``data_too_large`` where it unpacks to very much, ``unsupported_format``
            where very many compressed layers are around it, or one that is made in a rare way.
    """
    tally = Tally()
    file = Layer(tally)
    empty = True
    while data := source.read(_READ_BYTES):
        empty = False
        tally.read(len(data))
        file.add(data)
    if empty:
        raise FingerprintError(FingerprintErrorCode.EMPTY_FILE)
    content, packed = file.end()
    return Fingerprint(
        GENERATOR, (Segment(CONTENT, content.to_bytes()), Segment(PACKED, _joined(packed, MOST_PACKED).to_bytes()))
    )


def _joined(sketches: Iterable[Sketch], most: int) -> Sketch:
    """Return the sample of all that `sketches` are samples of."""
    every = list(sketches)
    sampler = Sampler(most, max((sketch.level for sketch in every), default=LEAST_LEVEL))
    for sketch in every:
        sampler.add(sketch.hashes)
    return sampler.sketch()


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how `query` compares with each of `references`."""
    return compare_with_all(query, references, V1)


def index() -> Postings:
    """Return an empty index."""
    return Postings(_stored, _asked, most=V1.candidates, least=V1.candidate_hashes)


def is_featureless(fingerprint: Fingerprint) -> bool:
    """Return whether there are too few different bytes to know a copy by, as in a file of zeros."""
    return Samples.of(fingerprint).bytes < V1.featureless


def _stored(fingerprint: Fingerprint) -> Hashes:
    samples = Samples.of(fingerprint)
    return np.union1d(samples.content.hashes[: V1.stored_content], samples.packed.hashes[: V1.stored_packed])


def _asked(fingerprint: Fingerprint) -> Hashes:
    samples = Samples.of(fingerprint)
    return np.union1d(samples.content.hashes, samples.packed.hashes)
