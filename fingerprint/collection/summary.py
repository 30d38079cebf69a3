"""The summary of a collection: how many files of which kind, and a sample of what they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256

import numpy as np

from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.collection import GENERATOR, MOST_SAMPLED, counts_to_bytes
from countermark.fingerprint.sketch.sample import Sampler

__all__ = ["summary_of"]


def summary_of(files: Iterable[tuple[str, Sequence[bytes]]]) -> Fingerprint:
    """Return the summary of a collection of `files`: of each its kind and its canonical fingerprints, in their order.

    Files count as the same that have the same fingerprints: a copy that differs in nothing that is looked at is none.
    """
    counts: Counter[str] = Counter()
    sampler = Sampler(MOST_SAMPLED)
    for kind, fingerprints in files:
        counts[kind] += 1
        hashed = sha256()
        for fingerprint in fingerprints:
            hashed.update(fingerprint)
        sampler.add(np.array([int.from_bytes(hashed.digest()[:8])], np.uint64))
    sample = sampler.sketch().to_bytes()
    return Fingerprint(GENERATOR, (Segment("kinds", counts_to_bytes(counts)), Segment("files", sample)))
