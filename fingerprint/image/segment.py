"""Some pictures of an index and how a query finds those that share views, corners or colours with it.

* Views: hashes of two views that differ in `CandidateRule.view_bits` at most.
* Corners: surroundings that share a key and differ in `CandidateRule.corner_bits` at most; those of one picture that
  propose the same size and turn, roughly, vote for it, the more alike the more.
* Pictures without texture have neither: they are found by their colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.image import COLOUR_LEVELS, DIRECTIONS, LEVELS
from countermark.fingerprint.image.config import CandidateRule
from countermark.fingerprint.image.corners import Corners, corners_of
from countermark.fingerprint.image.dct64 import NO_HASH
from countermark.fingerprint.image.pictures import Pictures, content, is_plain, whole
from countermark.fingerprint.image.plain import levels_of
from countermark.fingerprint.index.buckets import Buckets, keys_of, near_keys, unsure_keys

__all__ = ["Entry", "Query", "Ranked", "Rows", "Segment"]

Ranked = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Numbers of pictures, and for each a rank: the less the likelier."""

_SECTORS: Final = 8
"""Turns are told apart by so many sectors, twice: the second time half a sector further."""

_CORNER_KEYS: Final = 6
"""How many of the eight keys of a corner it is found by: more find few more and take more memory."""

_STEPS: Final = 2 * LEVELS - 1
_BINS: Final = 2 * _SECTORS * _STEPS
_WIDTH: Final = DIRECTIONS // _SECTORS
_LOW_BITS: Final = 8
_PLACE_BITS: Final = 32
_SLOTS: Final = 1 << 18
"""How many sums tell which bins may have enough votes: so few that they stay in the processor's cache."""

_LOW: Final = (1 << _LOW_BITS) - 1


@dataclass(frozen=True)
class Entry:
    """By what a picture is found.

    Attributes:
        hashes: Those of its views that have texture; there may be none.
        corners: Its corners.
        colours: `COLOUR_LEVELS` numbers, where nothing else tells it from others.
    """

    hashes: NDArray[np.uint64]
    corners: Corners
    colours: NDArray[np.int64] | None

    @classmethod
    def of(cls, fingerprint: Fingerprint) -> "Entry":
        """Return that of a fingerprint of ``image/v1``."""
        hashes = _hashes(fingerprint).reshape(-1)
        colours = levels_of(fingerprint) if is_plain(fingerprint) else None
        return cls(hashes[hashes != NO_HASH], corners_of(fingerprint), colours)


@dataclass(frozen=True)
class Rows:
    """The features of some pictures: hashes of views and corners, each with the number of its picture."""

    count: int
    hashes: NDArray[np.uint64]
    hash_rows: NDArray[np.uint16]
    bits: NDArray[np.uint64]
    levels: NDArray[np.int8]
    directions: NDArray[np.int8]
    corner_rows: NDArray[np.uint16]
    colours: NDArray[np.uint8]
    plain_rows: NDArray[np.uint16]

    @classmethod
    def of(cls, fingerprints: Sequence[Fingerprint]) -> "Rows":
        """Return the features of fingerprints of ``image/v1``, at most 65,536 of them."""
        return cls.holding([Entry.of(fingerprint) for fingerprint in fingerprints])

    @classmethod
    def holding(cls, entries: Sequence[Entry]) -> "Rows":
        """Return the features of at most 65,536 pictures, at least one."""
        corners = [entry.corners for entry in entries]
        numbers = np.arange(len(entries), dtype=np.uint16)
        plain = [(number, entry.colours) for number, entry in enumerate(entries) if entry.colours is not None]
        return cls(
            len(entries),
            np.concatenate([entry.hashes for entry in entries]),
            np.repeat(numbers, [len(entry.hashes) for entry in entries]),
            np.concatenate([some.bits for some in corners]),
            np.concatenate([some.levels for some in corners]).astype(np.int8),
            np.concatenate([some.directions for some in corners]).astype(np.int8),
            np.repeat(numbers, [len(some) for some in corners]),
            np.array([colours for _, colours in plain], np.uint8).reshape(-1, COLOUR_LEVELS),
            np.array([number for number, _ in plain], np.uint16),
        )

    def followed_by(self, other: "Rows") -> "Rows":
        """Return these with the pictures of `other` after them."""
        return Rows(
            self.count + other.count,
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.hash_rows, other.hash_rows + np.uint16(self.count)]),
            np.concatenate([self.bits, other.bits]),
            np.concatenate([self.levels, other.levels]),
            np.concatenate([self.directions, other.directions]),
            np.concatenate([self.corner_rows, other.corner_rows + np.uint16(self.count)]),
            np.concatenate([self.colours, other.colours]),
            np.concatenate([self.plain_rows, other.plain_rows + np.uint16(self.count)]),
        )


@dataclass(frozen=True)
class Query:
    """What is looked for: hashes of views, and corners followed by their mirror images.

    Each view and each corner has several rows of keys, `view_probes` and `corner_probes`: its own and near ones.
    """

    hashes: NDArray[np.uint64]
    view_keys: NDArray[np.uint16]
    view_probes: int
    bits: NDArray[np.uint64]
    corner_keys: NDArray[np.uint16]
    corner_probes: int
    levels: NDArray[np.int64]
    directions: NDArray[np.int64]
    mirrored: NDArray[np.int64]
    colours: NDArray[np.int64] | None

    @classmethod
    def of(cls, fingerprint: Fingerprint) -> "Query":
        """Return what is looked for of a picture by a fingerprint of ``image/v1``."""
        return cls.asking(Entry.of(fingerprint))

    @classmethod
    def asking(cls, entry: Entry) -> "Query":
        """Return what is looked for of a picture."""
        hashes = np.unique(entry.hashes)
        view_keys = near_keys(keys_of(hashes[:, np.newaxis]))
        corners = entry.corners
        ways: tuple[Corners, Corners] = corners, corners.mirrored()
        bits = np.concatenate([way.bits for way in ways])
        corner_keys = unsure_keys(keys_of(bits), keys_of(np.concatenate([way.unsure for way in ways])))[
            :, :_CORNER_KEYS
        ]
        return cls(
            hashes,
            view_keys,
            len(view_keys) // max(1, len(hashes)) or 1,
            bits,
            corner_keys,
            len(corner_keys) // max(1, len(bits)) or 1,
            np.concatenate([way.levels for way in ways]),
            np.concatenate([way.directions for way in ways]),
            np.repeat([0, 1], len(corners)),
            entry.colours,
        )


class Segment:
    """Some pictures and where to find them by their keys. Never changes."""

    def __init__(self, first: int, rows: Rows) -> None:
        self.first = first
        self.rows = rows
        self._views = Buckets(keys_of(rows.hashes[:, np.newaxis]))
        self._corners = Buckets(keys_of(rows.bits)[:, :_CORNER_KEYS])

    def by_views(self, query: "Query", rule: CandidateRule) -> Ranked:
        """Return pictures with a view near one of the query's, and how many bits differ."""
        asked, found = self._views.sharing(query.view_keys, rule.most_pairs)
        differing = np.bitwise_count(query.hashes[asked // query.view_probes] ^ self.rows.hashes[found]).astype(
            np.int64
        )
        near = differing <= rule.view_bits
        least = np.full(self.rows.count, rule.view_bits + 1)
        np.minimum.at(least, self.rows.hash_rows[found[near]], differing[near])
        pictures = np.flatnonzero(least <= rule.view_bits)
        return pictures, least[pictures]

    def by_colours(self, query: "Query", rule: CandidateRule) -> Ranked:
        """Return, for a query without texture, such pictures whose colours are near its own, and how far they are."""
        if query.colours is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        apart = np.abs(self.rows.colours.astype(np.int64) - query.colours).max(axis=1, initial=0)
        near = apart <= rule.colour_levels
        return self.rows.plain_rows[near].astype(np.int64), apart[near]

    def by_corners(self, query: Query, rule: CandidateRule) -> Ranked:
        """Return pictures with corners like the query's, and the votes of those that agree roughly, negative."""
        asked, found, apart = [], [], []
        # A corner's two words are fetched as one number of their size: they come from all over the memory.
        ours, theirs = _joined(query.bits).repeat(query.corner_probes), _joined(self.rows.bits)
        for rows, places in self._corners.portions(query.corner_keys, rule.most_pairs):
            differing = np.bitwise_count(_split(ours.take(rows)) ^ _split(theirs.take(places)))
            differing = differing[::2] + differing[1::2]
            near = np.flatnonzero(differing <= rule.corner_bits)
            asked.append(rows[near] // query.corner_probes)
            found.append(places[near])
            apart.append(differing[near].astype(np.int64))
        if not asked:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return self.voted(query, np.concatenate(asked), np.concatenate(found), np.concatenate(apart), rule)

    def voted(
        self,
        query: Query,
        asked: NDArray[np.int64],
        found: NDArray[np.int64],
        apart: NDArray[np.int64],
        rule: CandidateRule,
    ) -> Ranked:
        """Return what pairs of corners elect, those `asked` of the query's with those `found` so many bits `apart`.

        A pair may come repeatedly: it votes once.
        """
        # Most pairs are of bins that have too few of them, which no order of theirs changes: these need no sorting.
        votes = 1 + (rule.corner_bits - apart) // rule.bits_a_vote
        owners = self.rows.corner_rows[found]
        kept = np.flatnonzero(np.bincount(owners, votes, self.rows.count).take(owners) >= rule.votes)
        asked, found, apart, votes = (some.take(kept) for some in (asked, found, apart, votes))
        # Bins that share a slot make it fuller: none that has enough is missed.
        slots = [some & (_SLOTS - 1) for some in self._bins(query, asked, found)]
        full = [np.bincount(some, votes, _SLOTS).take(some) >= rule.votes for some in slots]
        kept = np.flatnonzero(full[0] | full[1])
        asked, found, apart = (some.take(kept) for some in (asked, found, apart))
        # What belongs to a number goes into its lowest bits, so that one sort does; powers of 2, as they divide fast.
        pairs = _distinct((asked << _PLACE_BITS | found) << _LOW_BITS | apart)
        votes = 1 + (rule.corner_bits - (pairs & _LOW)) // rule.bits_a_vote
        pairs >>= _LOW_BITS
        bins = self._bins(query, pairs >> _PLACE_BITS, pairs & ((1 << _PLACE_BITS) - 1))
        cast = np.sort(np.concatenate(bins) << _LOW_BITS | np.concatenate([votes, votes]))
        starts = _firsts(cast >> _LOW_BITS)
        sums = np.add.reduceat(cast & _LOW, starts) if len(starts) else np.empty(0, np.int64)
        enough = sums >= rule.votes
        most = np.zeros(self.rows.count, np.int64)
        np.maximum.at(most, (cast[starts[enough]] >> _LOW_BITS) // (2 * _BINS), sums[enough])
        pictures = np.flatnonzero(most)
        return pictures, -most[pictures]

    def _bins(self, query: Query, asked: NDArray[np.int64], found: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Return the two bins that each pair of corners votes for: a picture, a size and a turn."""
        turns = self.rows.directions[found] - query.directions[asked]
        steps = self.rows.levels[found] - query.levels[asked] + LEVELS - 1
        # The mirror images of the query's corners follow them.
        group = (2 * self.rows.corner_rows[found].astype(np.int64) + query.mirrored[asked]) * _STEPS + steps
        return [
            (group * 2 + half) * _SECTORS + ((turns + half * _WIDTH // 2) & (DIRECTIONS - 1)) // _WIDTH
            for half in (0, 1)
        ]


def _joined(words: NDArray[np.uint64]) -> NDArray[np.complex128]:
    """Return n x 2 words as n numbers, of which only the place in memory matters."""
    return np.ascontiguousarray(words).view(np.complex128).reshape(-1)


def _split(corners: NDArray[np.complex128]) -> NDArray[np.uint64]:
    return corners.view(np.uint64)


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    ordered = np.sort(numbers)
    return ordered[_firsts(ordered)]


def _firsts(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of `ordered` numbers comes first."""
    return np.flatnonzero(np.diff(ordered, prepend=-1))


def _hashes(fingerprint: Fingerprint) -> NDArray[np.uint64]:
    within = content(fingerprint)
    return Pictures.of([whole(fingerprint), *([] if within is None else [within])]).hashes
