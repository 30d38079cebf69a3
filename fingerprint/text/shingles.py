"""From words to shingles: hashes of groups of neighbouring words, which a copy shares with its original.

A group counts if two of its words tell something of their text, at least: not words that every text of a language has
(articles, prepositions, pronouns), nor numbers, for dates and times are everywhere. Groups of notices that many texts
carry (licences, Lorem ipsum) do not count.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.sketch.sample import Hashes, mixed
from countermark.fingerprint.text.letters import LINE, ideographic, standalone
from countermark.fingerprint.text.words import Words, words

__all__ = ["shingles"]

_WORDS: Final = 3
"""Words in a group."""

_IDEOGRAPHS: Final = 6
"""Ideographs and kana in a group, each of which is a word here: about three words as their readers count."""

_SYLLABLES: Final = 10
"""Letters in a group, of scripts without blanks between words."""

_TELLING: Final = 2
"""Words of a group that tell something, at least: with one, strangers of one kind share more; with three, there are a
third as many groups, and edits spoil as large a share of them."""

_LONGEST: Final = max(_WORDS, _IDEOGRAPHS, _SYLLABLES)

_FACTOR: Final = np.uint64(0xD6E8FEB86659FD93)
"""Of the polynomial over the words of a group: odd, else arbitrary."""


def shingles(texts: Iterable[str]) -> Iterator[Hashes]:
    """Yield the hashes of the groups of words of a text that comes in blocks, those at the borders, too."""
    return _telling(_groups(words(texts)), _notices())


def _telling(groups: Iterable[Hashes], ignored: Hashes) -> Iterator[Hashes]:
    for hashes in groups:
        yield hashes[~_among(hashes, ignored)]


def _groups(portions: Iterable[Words]) -> Iterator[Hashes]:
    waiting = Words.none()
    for portion in portions:
        waiting = waiting.followed_by(portion)
        # A group that starts with one of the last words may want words that are yet to come.
        complete = max(0, len(waiting.hashes) - _LONGEST + 1)
        yield _starting(waiting, complete)
        waiting = waiting.where(slice(complete, None))
    yield _starting(waiting, len(waiting.hashes))


def _starting(run: Words, count: int) -> Hashes:
    """Return the groups that start with one of the first `count` words of `run`, as far as it holds all of them."""
    firsts = run.firsts[:count]
    spans = np.where(standalone(firsts), np.where(ideographic(firsts), _IDEOGRAPHS, _SYLLABLES), _WORDS)
    spans[np.arange(count) + spans > len(run.hashes)] = 0
    lengths = (_WORDS, _IDEOGRAPHS, _SYLLABLES)
    return np.concatenate([_of_length(run, np.flatnonzero(spans == length), length) for length in lengths])


def _of_length(run: Words, starts: NDArray[np.int64], length: int) -> Hashes:
    hashes = np.zeros(len(starts), np.uint64)
    telling = np.zeros(len(starts), np.int64)
    tells = ~(run.numbers | _among(run.hashes, _function_words()))
    for offset in range(length):
        hashes = hashes * _FACTOR + run.hashes[starts + offset]
        telling += tells[starts + offset]
    return mixed(hashes[telling >= _TELLING])


def _among(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Return for each of `hashes` whether it is among `known`, which are ascending and not none."""
    return np.asarray(known[np.searchsorted(known[:-1], hashes)] == hashes)


@cache
def _function_words() -> Hashes:
    return np.unique(np.concatenate([some.hashes for some in words([_shipped("function_words.txt")])]))


@cache
def _notices() -> Hashes:
    return np.unique(np.concatenate(list(_groups(words([_shipped("notices.txt")])))))


def _shipped(name: str) -> str:
    lines = files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return LINE.join(line for line in lines if not line.startswith("#"))
