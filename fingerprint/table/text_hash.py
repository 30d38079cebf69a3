"""Hashes of very many short texts at once, by numpy."""

import hashlib
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from countermark.fingerprint.sketch.sample import Hashes, mixed

__all__ = ["text_hashes"]

_WORD: Final = 8
_LONG: Final = 128
"""Bytes from which on a text is hashed by itself: as words of eight bytes it would take too many rounds."""

_SEED: Final = np.uint64(0x5461626C65207631)


def text_hashes(texts: pa.LargeStringArray) -> Hashes:
    """Return a hash of each of `texts`, none of which is null; it depends on the UTF-8 bytes alone."""
    starts, lengths, content = _places(texts)
    hashes = mixed(lengths.astype(np.uint64) ^ _SEED)
    # One word at a time, of all texts that are long enough to have it.
    words = np.ndarray((max(len(content) - _WORD + 1, 0),), "<u8", content, strides=(1,))
    rows = np.flatnonzero((lengths > 0) & (lengths < _LONG))
    at = 0
    while len(rows):
        left = lengths[rows] - at
        word = words[starts[rows] + at].astype(np.uint64)
        short = left < _WORD
        keep = ((_WORD - left[short]) * _WORD).astype(np.uint64)
        word[short] = (word[short] << keep) >> keep
        hashes[rows] = mixed(hashes[rows] ^ word)
        at += _WORD
        rows = rows[left > _WORD]
    for row in np.flatnonzero(lengths >= _LONG):
        text = content[starts[row] : starts[row] + lengths[row]]
        hashes[row] = int.from_bytes(hashlib.blake2b(text, digest_size=_WORD).digest())
    return hashes


def _places(texts: pa.LargeStringArray) -> tuple[NDArray[np.int64], NDArray[np.int64], bytes]:
    """Return where each text starts, how long it is, and the bytes of all, with a word of zeros behind them."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.empty(0, np.int64), np.empty(0, np.int64), bytes(_WORD)
    ends = np.frombuffer(offsets, np.int64, len(texts) + 1, texts.offset * _WORD)
    content = bytes(data[ends[0] : ends[-1]]) if data is not None else b""
    return ends[:-1] - ends[0], np.diff(ends), content + bytes(_WORD)
