"""The index of picture fingerprints: of very many pictures those that share views or corners with a given one.

Pictures are kept in segments that never change; of small ones, neighbours are joined, so there are few.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.image.config import CandidateRule
from countermark.fingerprint.image.segment import Entry, Query, Ranked, Rows, Segment

__all__ = ["Gallery", "likeliest"]

_LARGEST: Final = 1 << 16
"""Pictures of a segment, which numbers them with two bytes."""


class Gallery:
    """Pictures by their views and corners: an `Index` (see there) for fingerprints of ``image/v1`` or of its kin."""

    def __init__(self, rule: CandidateRule, entry_of: Callable[[Fingerprint], Entry] = Entry.of) -> None:
        """Make an empty one.

        Args:
            rule: What becomes a candidate.
            entry_of: Tells by what the picture of a fingerprint is found.
        """
        self._rule = rule
        self._quick = replace(rule, most_pairs=rule.quick_pairs)
        self._entry_of = entry_of
        self._segments: tuple[Segment, ...] = ()

    @property
    def quickens(self) -> bool:
        """Whether a quick search looks at fewer pairs."""
        return self._quick != self._rule

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return self._segments[-1].first + self._segments[-1].rows.count if self._segments else 0

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Take in pictures."""
        for start in range(0, len(fingerprints), _LARGEST):
            self.add_rows(Rows.holding([self._entry_of(one) for one in fingerprints[start : start + _LARGEST]]))

    def add_rows(self, rows: Rows) -> None:
        """Take in the pictures of `rows`.

        Raises:
            ValueError: There are more of them than a segment holds, 65,536.
        """
        if rows.count > _LARGEST:
            raise ValueError(f"{rows.count} pictures at once: more than {_LARGEST}")
        kept = list(self._segments)
        first = len(self)
        while kept and kept[-1].rows.count <= 2 * rows.count and kept[-1].rows.count + rows.count <= _LARGEST:
            last = kept.pop()
            first, rows = last.first, last.rows.followed_by(rows)
        # Searches that are under way go on with the segments that they found.
        self._segments = (*kept, Segment(first, rows))

    def candidates(self, query: Fingerprint, first: int = 0, *, quick: bool = False) -> list[int]:
        """Return pictures from `first` on that `query` shares views or corners with: `CandidateRule.most` at most.

        Those of nearest views, of most corners and of nearest colours in turn; where `quick`, of fewer pairs.
        """
        rule = self._quick if quick else self._rule
        asked = Query.asking(self._entry_of(query))
        segments = [one for one in self._segments if one.first + one.rows.count > first]
        ways = Segment.by_views, Segment.by_corners, Segment.by_colours
        found = [[(one.first, way(one, asked, rule)) for one in segments] for way in ways]
        return likeliest(found, first, self._rule.most)


def likeliest(ways: Sequence[Sequence[tuple[int, Ranked]]], first: int, most: int) -> list[int]:
    """Return the numbers from `first` on of what was found in several ways, the likeliest of each in turn.

    Args:
        ways: What was found in each way in segments, with the numbers at which these begin.
        first: Least number.
        most: How many at most.
    """
    ranked = [_ranked(found, first) for found in ways]
    longest = max(map(len, ranked))
    in_turn = [some[place] for place in range(longest) for some in ranked if place < len(some)]
    return list(dict.fromkeys(in_turn))[:most]


def _ranked(found: Sequence[tuple[int, Ranked]], first: int) -> list[int]:
    """Return the numbers from `first` on of what was found in segments that begin at a number, least ranks first."""
    if not found:
        return []
    pictures = np.concatenate([start + some for start, (some, _) in found])
    ranks = np.concatenate([some for _, (_, some) in found])
    kept = pictures >= first
    return [int(picture) for picture in pictures[kept][np.argsort(ranks[kept], kind="stable")]]
