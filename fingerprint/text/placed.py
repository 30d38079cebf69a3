"""Samples of shingles that know where in their text each stands: what two texts share is scattered, or a passage."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.sketch import HASH_BYTES
from countermark.fingerprint.sketch.sample import Hashes, Sketch
from countermark.fingerprint.text import PLACES

__all__ = ["Placed", "Places", "Sampler", "overlapping"]

_PORTION: Final = 4
"""How many times as many hashes as are kept may wait, so that they are not sorted too often."""

Places = NDArray[np.int64]
"""Numbers from 0 to `PLACES` - 1."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A sample, and for each of its hashes where it stands first: in which of `PLACES` equal parts of the text."""

    sketch: Sketch
    places: Places

    def to_bytes(self) -> bytes:
        """Return the sample's bytes, then the places, a byte each."""
        return self.sketch.to_bytes() + self.places.astype(np.uint8).tobytes()

    @classmethod
    def from_bytes(cls, payload: bytes) -> Self:
        """Return what `to_bytes` wrote; whether that makes sense was asked before."""
        end = 1 + len(payload) // (HASH_BYTES + 1) * HASH_BYTES
        return cls(Sketch.from_bytes(payload[:end]), np.frombuffer(payload, np.uint8, offset=end).astype(np.int64))


class Sampler:
    """Takes hashes in the order of their text, and keeps few, as `sketch.sample.Sampler` does, with their places."""

    def __init__(self, most: int) -> None:
        """Keep `most` hashes at most."""
        self._most = most
        self._level = 0
        self._seen = 0
        self._kept: Hashes = np.empty(0, np.uint64)
        self._positions: NDArray[np.int64] = np.empty(0, np.int64)
        self._waiting: list[tuple[Hashes, NDArray[np.int64]]] = []
        self._count = 0

    def add(self, hashes: Hashes) -> None:
        """Take in the well-mixed `hashes` that come next."""
        small = np.flatnonzero(self._within_level(hashes))
        self._waiting.append((hashes[small], small + self._seen))
        self._seen += len(hashes)
        self._count += len(small)
        if self._count > _PORTION * self._most:
            self._settle()

    def sample(self) -> Placed:
        """Return the sample of all that was added."""
        self._settle()
        return Placed(Sketch(self._level, self._kept), self._positions * PLACES // max(1, self._seen))

    def _settle(self) -> None:
        hashes = np.concatenate([self._kept, *(hashes for hashes, _ in self._waiting)])
        positions = np.concatenate([self._positions, *(positions for _, positions in self._waiting)])
        self._kept, first = np.unique(hashes, return_index=True)
        self._positions = positions[first]
        while len(self._kept) > self._most:
            self._level += 1
            small = self._within_level(self._kept)
            self._kept, self._positions = self._kept[small], self._positions[small]
        self._waiting, self._count = [], 0

    def _within_level(self, hashes: Hashes) -> NDArray[np.bool_]:
        return hashes <= np.uint64((1 << (64 - self._level)) - 1)


def overlapping(first: Placed, second: Placed) -> tuple[Places, Places]:
    """Return where in the first text its shingles stand, and where those do that the second has, too.

    Both at the level of the coarser sample.
    """
    level = max(first.sketch.level, second.sketch.level)
    hashes = first.sketch.at(level)
    places = first.places[: len(hashes)]
    return places, places[np.isin(hashes, second.sketch.at(level), assume_unique=True)]
