"""Samples of very many hashes by which can be told how much of one thing is contained in another, both ways.

Of all hashes those are kept that are small enough, "small" being the same for everybody: so of two things that share
a part, the samples share the part's sample, however large the rest of either is (FracMinHash, Irber et al., 2022;
MinHash tells the share of the union only, which is near nothing where a little is a part of a lot). The bound is
halved until the sample has the permitted size, so a large thing has a coarser sample, and a part that is too small
for it is not seen.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hashes", "Overlap", "Sampler", "Sketch", "mixed", "overlap"]

_BIG: Final = np.dtype(">u8")

Hashes = NDArray[np.uint64]
"""Hashes as they are computed: whole numbers, in one dimension."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A sample of hashes: those below 2^(64 - `level`), ascending, each once."""

    level: int
    hashes: Hashes

    def at(self, level: int) -> Hashes:
        """Return those that a sample of a `level` not below this one's has."""
        return self.hashes[: np.searchsorted(self.hashes, _bound(level), side="right")]

    def to_bytes(self) -> bytes:
        """Return the level, a byte, and the hashes, 8 bytes each."""
        return bytes([self.level]) + self.hashes.astype(_BIG).tobytes()

    @classmethod
    def from_bytes(cls, payload: bytes) -> Self:
        """Return what `to_bytes` wrote; whether that is `sketch.sensible` was asked before."""
        return cls(payload[0], np.frombuffer(payload, _BIG, offset=1).astype(np.uint64))


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many hashes two samples of one level have, and how many both have."""

    first: int
    second: int
    common: int

    @property
    def of_first(self) -> float:
        """Share of the first thing that is in the second, 0 to 1; 0 where nothing of it is in the sample."""
        return self.common / self.first if self.first else 0.0

    @property
    def of_second(self) -> float:
        """Share of the second thing that is in the first."""
        return self.common / self.second if self.second else 0.0


class Sampler:
    """Takes hashes as they come, and keeps few; in which portions they come makes no difference."""

    def __init__(self, most: int, level: int = 0) -> None:
        """Keep `most` hashes at most, of a `level` to begin with."""
        self._most = most
        self._level = level
        self._kept: Hashes = np.empty(0, np.uint64)
        self._waiting: list[Hashes] = []
        self._count = 0

    @property
    def level(self) -> int:
        """The level that the sample has at least: hashes that it does not keep need not be added."""
        return self._level

    def add(self, hashes: Hashes) -> None:
        """Take in well-mixed `hashes`, in any order and number."""
        if self._level:
            hashes = hashes[hashes <= _bound(self._level)]
        self._waiting.append(hashes)
        self._count += len(hashes)
        if self._count > 4 * self._most:
            self._settle()

    def sketch(self) -> Sketch:
        """Return the sample of all that was added."""
        self._settle()
        return Sketch(self._level, self._kept)

    def _settle(self) -> None:
        kept = np.unique(np.concatenate([self._kept, *self._waiting]))
        while len(kept) > self._most:
            self._level += 1
            kept = kept[: np.searchsorted(kept, _bound(self._level), side="right")]
        self._kept, self._waiting, self._count = kept, [], 0


def overlap(first: Sketch, second: Sketch) -> Overlap:
    """Return what two samples share, at the level of the coarser one."""
    level = max(first.level, second.level)
    one, other = first.at(level), second.at(level)
    common = np.intersect1d(one, other, assume_unique=True)
    return Overlap(len(one), len(other), len(common))


def mixed(values: NDArray[np.uint64]) -> Hashes:
    """Return `values` with their bits well mixed: equal ones stay equal, near ones become unrelated (SplitMix64)."""
    mix = values + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mix ^= mix >> np.uint64(shift)
        mix *= np.uint64(factor)
    mix ^= mix >> np.uint64(31)
    return mix


def _bound(level: int) -> np.uint64:
    return np.uint64((1 << (64 - level)) - 1)
