"""What an index of fingerprints does, and the one that leaves nothing out."""

from collections.abc import Sequence
from typing import Protocol

from countermark.fingerprint.codec import Fingerprint

__all__ = ["Exhaustive", "Index"]


class Index(Protocol):
    """Fingerprints of one generator, numbered from 0 in the order in which they were added.

    One thread at a time may add; others may search meanwhile, and see what was added before they began.
    """

    @property
    def quickens(self) -> bool:
        """Whether a quick search is another than one that is not."""

    def __len__(self) -> int:
        """Return how many fingerprints there are."""

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Take in fingerprints of the index' generator."""

    def candidates(self, query: Fingerprint, first: int = 0, *, quick: bool = False) -> Sequence[int]:
        """Return the numbers, from `first` on, of those that `query` has to be compared with, the likeliest first.

        Where `quick`, copies that are hard to recognise may be left out, if the index `quickens`.
        """


class Exhaustive:
    """The index of a generator without one: everything is a candidate."""

    quickens = False

    def __init__(self) -> None:
        self._count = 0

    def __len__(self) -> int:
        """Return how many fingerprints there are."""
        return self._count

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Count them."""
        self._count += len(fingerprints)

    def candidates(self, query: Fingerprint, first: int = 0, *, quick: bool = False) -> Sequence[int]:
        """Return all numbers from `first` on."""
        return range(first, self._count)
