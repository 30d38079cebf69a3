"""The index of ``image/v1``: of very many pictures those that share views or corners with a given one.

* Views: hashes of two views that differ in `CandidateRule.view_bits` at most.
* Corners: surroundings that share a key and differ in `CandidateRule.corner_bits` at most; those of one picture that
  propose the same size and turn, roughly, vote for it, the more alike the more.
* Pictures without texture have neither: they are found by their colours.

Pictures are kept in segments that never change; of small ones, neighbours are joined, so there are few.
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
from countermark.fingerprint.index.buckets import Buckets, keys_of, near_keys, unsure_keys

__all__ = ["Gallery"]

_LARGEST: Final = 1 << 16
"""Pictures of a segment, which numbers them with two bytes."""

_SECTORS: Final = 8
"""Turns are told apart by so many sectors, twice: the second time half a sector further."""

_CORNER_KEYS: Final = 6
"""How many of the eight keys of a corner it is found by: more find few more and take more memory."""

_STEPS: Final = 2 * LEVELS - 1
_BINS: Final = 2 * _SECTORS * _STEPS


@dataclass(frozen=True)
class _Rows:
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
    def of(cls, fingerprints: Sequence[Fingerprint]) -> "_Rows":
        corners = [corners_of(fingerprint) for fingerprint in fingerprints]
        hashes = [_hashes(fingerprint).reshape(-1) for fingerprint in fingerprints]
        hashes = [some[some != NO_HASH] for some in hashes]
        numbers = np.arange(len(fingerprints), dtype=np.uint16)
        plain = [number for number, fingerprint in enumerate(fingerprints) if is_plain(fingerprint)]
        return cls(
            len(fingerprints),
            np.concatenate(hashes),
            np.repeat(numbers, [len(some) for some in hashes]),
            np.concatenate([some.bits for some in corners]),
            np.concatenate([some.levels for some in corners]).astype(np.int8),
            np.concatenate([some.directions for some in corners]).astype(np.int8),
            np.repeat(numbers, [len(some) for some in corners]),
            np.array([_colours(fingerprints[number]) for number in plain], np.uint8).reshape(-1, COLOUR_LEVELS),
            np.array(plain, np.uint16),
        )

    def followed_by(self, other: "_Rows") -> "_Rows":
        return _Rows(
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


class _Segment:
    """Some pictures and where to find them by their keys. Never changes."""

    def __init__(self, first: int, rows: _Rows) -> None:
        self.first = first
        self.rows = rows
        self._views = Buckets(keys_of(rows.hashes[:, np.newaxis]))
        self._corners = Buckets(keys_of(rows.bits)[:, :_CORNER_KEYS])

    def by_views(self, query: "_Query", rule: CandidateRule) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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

    def by_colours(self, query: "_Query", rule: CandidateRule) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return, for a query without texture, such pictures whose colours are near its own, and how far they are."""
        if query.colours is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        apart = np.abs(self.rows.colours.astype(np.int64) - query.colours).max(axis=1, initial=0)
        near = apart <= rule.colour_levels
        return self.rows.plain_rows[near].astype(np.int64), apart[near]

    def by_corners(self, query: "_Query", rule: CandidateRule) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pictures with corners like the query's, and the votes of those that agree roughly, negative."""
        asked, found = self._corners.sharing(query.corner_keys, rule.most_pairs)
        asked //= query.corner_probes
        differing = np.bitwise_count(query.bits[asked, 0] ^ self.rows.bits[found, 0])
        differing += np.bitwise_count(query.bits[asked, 1] ^ self.rows.bits[found, 1])
        near = differing <= rule.corner_bits
        pairs, places = np.unique(asked[near] * len(self.rows.bits) + found[near], return_index=True)
        votes = 1 + (rule.corner_bits - differing[near][places].astype(np.int64)) // rule.bits_a_vote
        asked, found = np.divmod(pairs, max(1, len(self.rows.bits)))
        turns = (self.rows.directions[found] - query.directions[asked]) % DIRECTIONS
        steps = self.rows.levels[found] - query.levels[asked] + LEVELS - 1
        # The mirror images of the query's corners follow them.
        group = (2 * self.rows.corner_rows[found].astype(np.int64) + query.mirrored[asked]) * _STEPS + steps
        width = DIRECTIONS // _SECTORS
        bins = [(group * 2 + half) * _SECTORS + (turns + half * width // 2) % DIRECTIONS // width for half in (0, 1)]
        agreeing, places = np.unique(np.concatenate(bins), return_inverse=True)
        sums = np.bincount(places, np.concatenate([votes, votes]), len(agreeing)).astype(np.int64)
        enough = sums >= rule.votes
        most = np.zeros(self.rows.count, np.int64)
        np.maximum.at(most, agreeing[enough] // (2 * _BINS), sums[enough])
        pictures = np.flatnonzero(most)
        return pictures, -most[pictures]


@dataclass(frozen=True)
class _Query:
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
    def of(cls, fingerprint: Fingerprint) -> "_Query":
        hashes = np.unique(_hashes(fingerprint))
        hashes = hashes[hashes != NO_HASH]
        view_keys = near_keys(keys_of(hashes[:, np.newaxis]))
        corners = corners_of(fingerprint)
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
            _colours(fingerprint) if is_plain(fingerprint) else None,
        )


class Gallery:
    """Pictures by their views and corners: an `Index` (see there) for fingerprints of ``image/v1``."""

    def __init__(self, rule: CandidateRule) -> None:
        self._rule = rule
        self._segments: tuple[_Segment, ...] = ()

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return self._segments[-1].first + self._segments[-1].rows.count if self._segments else 0

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Take in pictures."""
        for start in range(0, len(fingerprints), _LARGEST):
            self._append(_Rows.of(fingerprints[start : start + _LARGEST]))

    def candidates(self, query: Fingerprint, first: int = 0) -> list[int]:
        """Return pictures from `first` on that `query` shares views or corners with: `CandidateRule.most` at most.

        Those of nearest views, of most corners and of nearest colours in turn.
        """
        asked = _Query.of(query)
        segments = [one for one in self._segments if one.first + one.rows.count > first]
        ways = _Segment.by_views, _Segment.by_corners, _Segment.by_colours
        ranked = [_ranked([(one.first, *way(one, asked, self._rule)) for one in segments], first) for way in ways]
        longest = max(map(len, ranked))
        in_turn = [some[place] for place in range(longest) for some in ranked if place < len(some)]
        return list(dict.fromkeys(in_turn))[: self._rule.most]

    def _append(self, rows: _Rows) -> None:
        kept = list(self._segments)
        first = len(self)
        while kept and kept[-1].rows.count <= 2 * rows.count and kept[-1].rows.count + rows.count <= _LARGEST:
            last = kept.pop()
            first, rows = last.first, last.rows.followed_by(rows)
        # Searches that are under way go on with the segments that they found.
        self._segments = (*kept, _Segment(first, rows))


def _ranked(found: Sequence[tuple[int, NDArray[np.int64], NDArray[np.int64]]], first: int) -> list[int]:
    """Return the numbers from `first` on of what was found in segments that begin at a number, least ranks first."""
    if not found:
        return []
    pictures = np.concatenate([start + some for start, some, _ in found])
    ranks = np.concatenate([some for _, _, some in found])
    kept = pictures >= first
    return [int(picture) for picture in pictures[kept][np.argsort(ranks[kept], kind="stable")]]


def _colours(fingerprint: Fingerprint) -> NDArray[np.int64]:
    return np.frombuffer(fingerprint.segment("levels"), np.uint8).astype(np.int64)


def _hashes(fingerprint: Fingerprint) -> NDArray[np.uint64]:
    within = content(fingerprint)
    return Pictures.of([whole(fingerprint), *([] if within is None else [within])]).hashes
