"""A sample of hashes, and how often each came: see `sketch.sample`."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.sketch.sample import Hashes

__all__ = ["Counted", "CountingSampler"]

_ROOM: Final = 4
"""How many times the permitted number of hashes may wait to be counted."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Of all hashes that came those below 2^(64 - `level`).

    Attributes:
        level: How often the bound was halved.
        hashes: Ascending, each once.
        counts: How often each came.
        values: The number that came with each.
    """

    level: int
    hashes: Hashes
    counts: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        """Return how many hashes are in the sample."""
        return len(self.hashes)

    def chosen(self, mask: NDArray[np.bool_]) -> "Counted":
        """Return the sample without those that `mask` leaves out."""
        return Counted(self.level, self.hashes[mask], self.counts[mask], self.values[mask])

    def at_most(self, most: int) -> "Counted":
        """Return the finest sample of this one that has no more than `most` hashes."""
        level, end = self.level, len(self.hashes)
        while end > most:
            level += 1
            end = int(np.searchsorted(self.hashes, np.uint64((1 << (64 - level)) - 1), side="right"))
        return Counted(level, self.hashes[:end], self.counts[:end], self.values[:end])


class CountingSampler:
    """Takes hashes as they come, and keeps few; in which portions they come makes no difference."""

    def __init__(self, most: int) -> None:
        """Keep `most` different hashes at most."""
        self._most = most
        self._kept = Counted(0, np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0))
        self._waiting: list[tuple[Hashes, NDArray[np.float64]]] = []
        self._count = 0

    @property
    def bound(self) -> np.uint64:
        """The greatest hash that is still of interest."""
        return np.uint64((1 << (64 - self._kept.level)) - 1)

    def add(self, hashes: Hashes, values: NDArray[np.float64] | None = None) -> None:
        """Take in well-mixed `hashes`, in any order and number, each with the value that goes with it."""
        values = np.zeros(len(hashes)) if values is None else values
        if self._kept.level:
            below = hashes <= self.bound
            hashes, values = hashes[below], values[below]
        self._waiting.append((hashes, values))
        self._count += len(hashes)
        if self._count > _ROOM * self._most:
            self._settle()

    def counted(self) -> Counted:
        """Return the sample of all that was added."""
        self._settle()
        return self._kept

    def _settle(self) -> None:
        kept = self._kept
        hashes = np.concatenate([kept.hashes, *(some for some, _ in self._waiting)])
        if not len(hashes):
            return
        values = np.concatenate([kept.values, *(some for _, some in self._waiting)])
        counts = np.concatenate([kept.counts, np.ones(len(hashes) - len(kept), np.int64)])
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
        merged = Counted(kept.level, hashes[starts], np.add.reduceat(counts[order], starts), values[order][starts])
        self._kept = merged.at_most(self._most)
        self._waiting, self._count = [], 0
