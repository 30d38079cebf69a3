"""Very many pictures made of the fingerprints of some: each has the views of one and corners of several.

A few bits of each are turned, so that none is a copy: of views any, of corners those that a slight change would turn.
So the bits keep what they have in common in real pictures, on which the time of a search depends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint import Fingerprint
from countermark.fingerprint.image import COLOUR_LEVELS, MOST_CORNERS
from countermark.fingerprint.image.corners import corners_of
from countermark.fingerprint.image.segment import Rows

VIEW_HALVINGS = 6
"""A bit of a view is turned with the probability of 1/2 to this power: one of 64."""


@dataclass(frozen=True)
class Mix:
    """How pictures are made.

    Attributes:
        photographs: Of how many the corners of one come.
        halvings: An unsure bit of a corner is turned with the probability of 1/2 to this power.
    """

    photographs: int
    halvings: int


class Recombined:
    """Makes pictures of fingerprints."""

    def __init__(self, sources: Sequence[Fingerprint], seed: int = 1) -> None:
        self._rows = Rows.of(sources)
        self._unsure = np.concatenate([corners_of(one).unsure for one in sources])
        numbers = np.arange(len(sources) + 1)
        self._views = np.searchsorted(self._rows.hash_rows, numbers)
        self._corners = np.searchsorted(self._rows.corner_rows, numbers)
        self._random = np.random.default_rng(seed)

    def rows(self, count: int, mix: Mix) -> Rows:
        """Return the features of `count` pictures, at most 65,536."""
        whose = self._random.integers(0, self._rows.count, count)
        views, of_view = _runs(self._views[whose], self._views[whose + 1])
        parts = self._random.integers(0, self._rows.count, (count, mix.photographs)).reshape(-1)
        first, last = self._corners[parts], self._corners[parts + 1]
        share = np.minimum(last - first, MOST_CORNERS // mix.photographs)
        first += self._random.integers(0, last - first - share + 1)
        corners, of_part = _runs(first, first + share)
        return Rows(
            count,
            self._rows.hashes[views] ^ self._turned(len(views), VIEW_HALVINGS),
            of_view.astype(np.uint16),
            self._rows.bits[corners]
            ^ (self._turned(2 * len(corners), mix.halvings).reshape(-1, 2) & self._unsure[corners]),
            self._rows.levels[corners],
            self._rows.directions[corners],
            (of_part // mix.photographs).astype(np.uint16),
            np.empty((0, COLOUR_LEVELS), np.uint8),
            np.empty(0, np.uint16),
        )

    def segments(self, count: int, mix: Mix, largest: int) -> Iterator[Rows]:
        """Yield the features of `count` pictures, `largest` at once."""
        for start in range(0, count, largest):
            yield self.rows(min(largest, count - start), mix)

    def _turned(self, words: int, halvings: int) -> NDArray[np.uint64]:
        turned = self._random.integers(0, 2**64, words, np.uint64)
        for _ in range(halvings - 1):
            turned &= self._random.integers(0, 2**64, words, np.uint64)
        return turned


def _runs(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers from each of `first` to before `last`, and the place of the run that each is of."""
    lengths = last - first
    ends = np.cumsum(lengths)
    return np.repeat(first - (ends - lengths), lengths) + np.arange(ends[-1]), np.repeat(
        np.arange(len(ends)), lengths
    )
