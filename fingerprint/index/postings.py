"""An index by hashes: of very many fingerprints those that share most hashes with a given one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint

__all__ = ["Postings"]

_LARGEST: Final = 1 << 16
"""Fingerprints of a segment beyond which it is not joined with others."""

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int32]
HashesOf = Callable[[Fingerprint], Hashes]


@dataclass(frozen=True, slots=True)
class _Segment:
    """Some fingerprints from number `first` on: all their hashes in order, and for each the number it belongs to."""

    first: int
    count: int
    hashes: Hashes
    numbers: Numbers

    @classmethod
    def of(cls, first: int, count: int, hashes: Hashes, numbers: Numbers) -> "_Segment":
        order = np.argsort(hashes, kind="stable")
        return cls(first, count, hashes[order], numbers[order])

    def followed_by(self, other: "_Segment") -> "_Segment":
        hashes = np.concatenate([self.hashes, other.hashes])
        numbers = np.concatenate([self.numbers, other.numbers])
        return self.of(self.first, self.count + other.count, hashes, numbers)

    def holding(self, asked: Hashes) -> "_Holding":
        """Return where the numbers stand that have each of `asked`."""
        return _Holding(
            self, np.searchsorted(self.hashes, asked, side="left"), np.searchsorted(self.hashes, asked, side="right")
        )


@dataclass(frozen=True, slots=True)
class _Holding:
    """Where in a segment the numbers stand that have each hash asked for."""

    segment: _Segment
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many numbers have each."""
        return self.ends - self.starts

    def numbers(self, wanted: NDArray[np.bool_]) -> Numbers:
        """Return the numbers that have the `wanted` hashes, one hash after the other."""
        spans = zip(self.starts[wanted], self.ends[wanted], strict=True)
        return np.concatenate([np.empty(0, np.int32), *(self.segment.numbers[start:end] for start, end in spans)])


class Postings:
    """Fingerprints by their hashes: an `Index` (see there).

    A hash counts the less, the more fingerprints have it: so one that shares a few rare hashes is not crowded out by
    many large ones that share a little of what everybody has. A hash and its fingerprint take 12 bytes.
    """

    quickens = False

    def __init__(
        self, stored: HashesOf, asked: HashesOf, *, most: int = 50, least: int = 1, most_holders: int | None = None
    ) -> None:
        """Create an empty index.

        Args:
            stored: Returns the hashes, each once, by which a fingerprint is found.
            asked: Returns the hashes, each once, with which one is looked for.
            most: How many candidates are told.
            least: How many hashes a candidate shares at least.
            most_holders: A hash that more fingerprints have is not looked up; it would take long and tell nothing.
        """
        self._stored = stored
        self._asked = asked
        self._most = most
        self._least = least
        self._most_holders = most_holders
        self._segments: tuple[_Segment, ...] = ()

    def __len__(self) -> int:
        """Return how many fingerprints there are."""
        return self._segments[-1].first + self._segments[-1].count if self._segments else 0

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Take in fingerprints."""
        if not fingerprints:
            return
        first = len(self)
        hashes = [self._stored(fingerprint) for fingerprint in fingerprints]
        everyone = np.arange(first, first + len(hashes), dtype=np.int32)
        numbers = np.repeat(everyone, [len(some) for some in hashes])
        new = _Segment.of(first, len(hashes), np.concatenate(hashes), numbers)
        kept = list(self._segments)
        while kept and kept[-1].count <= 2 * new.count and kept[-1].count + new.count <= _LARGEST:
            new = kept.pop().followed_by(new)
        # Searches that are under way go on with the segments that they found.
        self._segments = (*kept, new)

    def candidates(self, query: Fingerprint, first: int = 0, *, quick: bool = False) -> list[int]:
        """Return the numbers from `first` on of those that share hashes with `query`, those that share most first."""
        asked = self._asked(query)
        segments = [segment for segment in self._segments if segment.first + segment.count > first]
        if not segments or not len(asked):
            return []
        holdings = [segment.holding(asked) for segment in segments]
        holders = np.sum([holding.counts for holding in holdings], axis=0)
        wanted = holders > 0 if self._most_holders is None else (holders > 0) & (holders <= self._most_holders)
        numbers = np.concatenate([holding.numbers(wanted) for holding in holdings])
        worth = np.concatenate([np.repeat(1 / holders[wanted], holding.counts[wanted]) for holding in holdings])
        later = numbers >= first
        found, places, counts = np.unique(numbers[later], return_inverse=True, return_counts=True)
        shared = np.bincount(places, worth[later], minlength=len(found))
        enough = counts >= self._least
        order = np.argsort(-shared[enough], kind="stable")[: self._most]
        return [int(number) for number in found[enough][order]]
