"""A gallery of fingerprints that is searched as the gate does: an index tells which are worth comparing."""

from collections.abc import Sequence

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.operations import compare_many, index_of

__all__ = ["Searched"]


class Searched:
    """Fingerprints by one generator."""

    def __init__(self, generator: str, gallery: Sequence[Fingerprint]) -> None:
        """Take in `gallery`."""
        self._gallery = gallery
        self._index = index_of(generator)
        self._index.add(gallery)

    def __len__(self) -> int:
        """Return how many fingerprints there are."""
        return len(self._gallery)

    def find(self, query: Fingerprint) -> dict[int, Comparison]:
        """Return how `query` compares with those, by their numbers, that the index tells."""
        numbers = self._index.candidates(query)
        return dict(zip(numbers, compare_many(query, [self._gallery[number] for number in numbers]), strict=True))
