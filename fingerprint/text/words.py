"""From characters to words, as hashes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.sketch.sample import Hashes, mixed
from countermark.fingerprint.text.letters import BLANK, HYPHEN, LINE, Letters
from countermark.fingerprint.text.markup import without_markup

__all__ = ["Words", "words", "words_of"]

_LETTERS: Final = Letters()

_BROKEN_WORD: Final = re.compile(f"{HYPHEN}{LINE}+{BLANK}*")
"""A word that goes on in the next line."""

_LAST_WORD: Final = re.compile(f"[^{BLANK}{LINE}]+[{BLANK}{LINE}]*\\Z")

_LONGEST_REST: Final = 4096
"""Characters that may wait for the rest of their word: a text may be one word without end."""

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
"""Of the polynomial over a word's characters: odd, so that it has an inverse, else arbitrary."""

_INVERSE: Final = np.uint64(pow(int(_BASE), -1, 1 << 64))


@dataclass(frozen=True, slots=True)
class Words:
    """Words one after the other.

    Attributes:
        hashes: One for each; equal words have equal ones.
        firsts: The code point of each word's first letter.
        numbers: Whether a word has digits only.
    """

    hashes: Hashes
    firsts: NDArray[np.uint32]
    numbers: NDArray[np.bool_]

    @classmethod
    def none(cls) -> Self:
        """Return no words."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.uint32), np.empty(0, np.bool_))

    def followed_by(self, other: Self) -> Self:
        """Return these words and then those of `other`."""
        return type(self)(
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.firsts, other.firsts]),
            np.concatenate([self.numbers, other.numbers]),
        )

    def where(self, chosen: NDArray[np.bool_] | slice) -> Self:
        """Return some of these words, in their order."""
        return type(self)(self.hashes[chosen], self.firsts[chosen], self.numbers[chosen])


def words(texts: Iterable[str]) -> Iterator[Words]:
    """Yield the words of a text that comes in blocks; a word may go across blocks."""
    rest = ""
    for text in texts:
        plain = _BROKEN_WORD.sub("", rest + without_markup(text).translate(_LETTERS))
        last = _LAST_WORD.search(plain, max(0, len(plain) - _LONGEST_REST))
        cut = last.start() if last else len(plain)
        rest = plain[cut:]
        yield words_of(plain[:cut])
    yield words_of(rest)


def words_of(plain: str) -> Words:
    """Return the words of characters that `Letters` has translated."""
    codes = np.frombuffer(plain.replace(HYPHEN, "").encode("utf-32-le", "surrogatepass"), np.uint32)
    inside = np.zeros(len(codes) + 2, np.bool_)
    np.not_equal(codes, ord(BLANK), out=inside[1:-1])
    inside[1:-1] &= codes != ord(LINE)
    borders = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = borders[::2], borders[1::2]
    powers = _powers(_BASE, len(codes))
    terms = mixed(codes.astype(np.uint64)) * powers
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms)])
    hashes = (sums[ends] - sums[starts]) * _powers(_INVERSE, len(codes))[starts] if len(starts) else sums[:0]
    digits = np.concatenate([np.zeros(1, np.int64), np.cumsum((codes >= ord("0")) & (codes <= ord("9")))])
    return Words(mixed(hashes), codes[starts], digits[ends] - digits[starts] == ends - starts)


def _powers(base: np.uint64, count: int) -> Hashes:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)
