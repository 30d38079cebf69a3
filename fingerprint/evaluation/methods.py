"""Ways of telling copies of pictures from other pictures, all put to the same experiment.

A method keeps something of a picture, of which it makes and reads bytes, and compares that by one or more
similarities, each with a name. Add one by writing its class; the experiment is `experiment.Experiment`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint import conformance
from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.evaluation.search import Searched
from countermark.fingerprint.operations import compute

__all__ = ["SCORE", "Generator", "Kept", "Method", "Search", "Similarities"]

Kept = TypeVar("Kept")
"""What a method keeps of a picture."""

Similarities = Mapping[str, NDArray[np.float64]]
"""By name of the similarity, one number from 0 to 1 for each picture compared with."""

Search = Callable[[Kept], Similarities]
"""Tells how similar something is to each picture of a gallery."""

SCORE: Final = "score"
"""The name of a generator's own score."""


class Method(Protocol[Kept]):
    """A way of telling copies. It is sent to other processes, so it holds little."""

    @property
    def identity(self) -> list[Any]:
        """A JSON value that changes whenever what is kept of the same picture may."""

    def compute(self, source: BinaryIO, /) -> Kept:
        """Return what is kept of the picture that `source` yields.

        Raises:
            FingerprintError: ``empty_file``, ``image_too_large`` or ``not_an_image``.
        """

    def to_bytes(self, kept: Kept, /) -> bytes:
        """Return the bytes of what is kept."""

    def from_bytes(self, data: bytes, /) -> Kept:
        """Return that of which these are the bytes.

        Raises:
            FingerprintError: ``fingerprint_malformed`` or ``unknown_generator``.
        """

    def search(self, gallery: Sequence[Kept], /) -> Search[Kept]:
        """Return a function that tells how similar what it is given is to each of `gallery`."""


@dataclass(frozen=True, slots=True)
class Generator:
    """Fingerprints by the generator of this id, compared by its own score."""

    id: str

    @property
    def identity(self) -> list[Any]:
        """The id, and the fingerprints that its conformance vectors pin."""
        return [self.id, [(one.name, one.fingerprints.get(self.id)) for one in conformance.vectors()]]

    def compute(self, source: BinaryIO) -> Fingerprint:
        """Return the fingerprint of the picture that `source` yields.

        Raises:
            FingerprintError: As the generator does.
        """
        return compute(source, self.id)

    def to_bytes(self, kept: Fingerprint) -> bytes:
        """Return the canonical bytes."""
        return kept.to_bytes()

    def from_bytes(self, data: bytes) -> Fingerprint:
        """Return the fingerprint of these bytes.

        Raises:
            FingerprintError: ``fingerprint_malformed`` or ``unknown_generator``.
        """
        return Fingerprint.from_bytes(data)

    def search(self, gallery: Sequence[Fingerprint]) -> Search[Fingerprint]:
        """Return what tells the score of a fingerprint with each of `gallery`, 0 where none is computed."""
        searched = Searched(self.id, gallery)

        def similarities(query: Fingerprint) -> Similarities:
            scores = np.zeros(len(searched))
            for number, comparison in searched.find(query).items():
                scores[number] = comparison.score
            return {SCORE: scores}

        return similarities
