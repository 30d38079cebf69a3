"""Samples the windows of a stream of bytes: all pieces of 24 bytes, of which the same are kept wherever they stand.

A window is kept or not for what it holds alone. So what is inserted, deleted, moved or overwritten costs the windows
that it touches and no other, and shorter windows are touched less often; 24 bytes are as few as unrelated programs,
sounds and tables do not share by chance.

A window that repeats itself or counts (zeros, a table of addresses, a header's padding) tells nothing and is left
out: too few of its bytes are other than what one expects from those before.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.binary import LEAST_LEVEL
from countermark.fingerprint.sketch.sample import Hashes, Sampler, Sketch, mixed

__all__ = ["WINDOW_BYTES", "Windows"]

WINDOW_BYTES: Final = 24

_BEFORE: Final = 8
"""How many bytes before a byte are looked at to foresee it."""

_REPEATS: Final = (1, 2, 3, 4, 8)
"""A byte is foreseen if it and the one before it are the same as so many bytes earlier: values of one to four and of
eight bytes that repeat themselves. Of single bytes too many are in a genome, of which a window yet says much."""

_COUNTS: Final = (1, 2, 4)
"""A byte is foreseen if it differs from that so many bytes before by as much as that did from its own."""

_LEAST_UNFORESEEN: Final = 8
"""Of the 16 bytes of a window that can be judged so many must be unforeseen. Counters of four bytes have 4 at most,
machine code and the letters of a genome 10, text and compressed data more."""

_BLOCK: Final = 1 << 17
"""Bytes that are worked on at once: the intermediate results fit the processor's cache."""

_WORD: Final = np.dtype("<u8")
_WORDS: Final = WINDOW_BYTES // _WORD.itemsize

# Odd numbers without structure (from MurmurHash3 and xxHash); other ones would do, but they are part of the format.
_BYTE_FACTORS: Final = (np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35))
_BYTE_OFFSET: Final = np.uint32(0x9E3779B9)
_JOIN_FACTORS: Final = tuple(map(np.uint32, (0x2C1B3C6D, 0x297A2D39, 0xD168AAAD, 0xAF723597)))
_LAST_JOIN_FACTOR: Final = np.uint32(0x1B873593)
_END_FACTOR: Final = np.uint32(0x9E3779B1)


class Windows:
    """Takes bytes as they come and samples their windows; in which portions they come makes no difference."""

    def __init__(self, most: int) -> None:
        """Keep `most` hashes at most."""
        self._sampler = Sampler(most, LEAST_LEVEL)
        self._waiting = bytearray()

    def add(self, data: bytes) -> None:
        """Take in `data`, which follow what was added before."""
        self._waiting += data
        while len(self._waiting) >= _BLOCK:
            self._sample(bytes(self._waiting[:_BLOCK]))
            # The windows that begin in this block and end in the next.
            del self._waiting[: _BLOCK - WINDOW_BYTES + 1]

    def sketch(self) -> Sketch:
        """Return the sample of all that was added; nothing may be added afterwards."""
        self._sample(bytes(self._waiting))
        self._waiting.clear()
        return self._sampler.sketch()

    def _sample(self, block: bytes) -> None:
        if len(block) < WINDOW_BYTES:
            return
        data = np.frombuffer(block, np.uint8)
        high = _rolling(data)
        starts = np.flatnonzero(high >> np.uint32(32 - min(self._sampler.level, 32)) == 0)
        rows = np.lib.stride_tricks.sliding_window_view(data, WINDOW_BYTES)[starts]
        telling = _unforeseen(rows) >= _LEAST_UNFORESEEN
        low = _low_half(rows[telling])
        self._sampler.add(high[starts[telling]].astype(np.uint64) << np.uint64(32) | low)


def _rolling(data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return a hash of every window of `data`, the upper half of the window's: what decides whether it is kept.

    Pairs of hashes of 1, 2, 4 and 8 bytes are joined to one of twice as many, then those of 16 and 8: arithmetic
    modulo 2^32 throughout.
    """
    hashes = data.astype(np.uint32)
    hashes += _BYTE_OFFSET
    hashes *= _BYTE_FACTORS[0]
    hashes ^= hashes >> np.uint32(15)
    hashes *= _BYTE_FACTORS[1]
    hashes ^= hashes >> np.uint32(13)
    of_eight = hashes
    for width, factor in zip((1, 2, 4, 8), _JOIN_FACTORS, strict=True):
        of_eight = hashes
        hashes = of_eight[:-width] * factor
        hashes += of_eight[width:]
    joined = hashes[:-8] * _LAST_JOIN_FACTOR
    joined += of_eight[16:]
    joined ^= joined >> np.uint32(15)
    joined *= _END_FACTOR
    return joined


def _unforeseen(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how many bytes of each of n windows (n x 24) are not what those before them suggest."""
    # Place by place instead of window by window: long loops are quick.
    places = np.ascontiguousarray(rows.T)

    def earlier(steps: int) -> NDArray[np.uint8]:
        return places[_BEFORE - steps : WINDOW_BYTES - steps]

    last = earlier(0)
    foreseen = np.zeros(last.shape, np.bool_)
    for step in _REPEATS:
        same = last == earlier(step)
        foreseen[1:] |= same[1:] & same[:-1]
        # A window shows nothing before its first byte.
        foreseen[0] |= same[0] & (step == _BEFORE or places[_BEFORE - 1] == places[_BEFORE - 1 - step])
    for step in _COUNTS:
        foreseen |= last - earlier(step) == earlier(step) - earlier(2 * step)
    return np.asarray((~foreseen).sum(axis=0, dtype=np.uint8))


def _low_half(rows: NDArray[np.uint8]) -> Hashes:
    """Return the lower 32 bits of the hash of each of n windows (n x 24)."""
    words = rows.view(_WORD).astype(np.uint64)
    hashes = mixed(words[:, 0])
    for word in range(1, _WORDS):
        hashes = mixed(hashes ^ words[:, word])
    return hashes & np.uint64(0xFFFFFFFF)
