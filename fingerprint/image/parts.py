"""Whether a part of one picture lies in another: their corners agree on where, and the thumbnails agree there.

1. Corners: maps of the one picture, or of its mirror image, onto the other that corners at several places support.
2. Features: the part that both show under each map is compared like a pair of views: roughly first, then as it is
   and, where that falls short, after alignment. Its fine detail must be alike, or, where very many corners support
   the map, its structure; and no more than a share of it may differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.image import THUMBNAIL_SIDE
from countermark.fingerprint.image.config import SHORT_OF_MATCH, PartRule, Round
from countermark.fingerprint.image.consensus import agreements
from countermark.fingerprint.image.corners import Corners, corners_of
from countermark.fingerprint.image.overlap import shared_views
from countermark.fingerprint.image.pictures import Features, Pictures, flat_share, whole
from countermark.fingerprint.image.resample import UNIT, sample
from countermark.fingerprint.image.view_pairs import ViewPairs, in_register

__all__ = ["Part", "shared_parts"]

_AS_IT_IS = Round(1, ())
_ROUGH_SIDE = 12


@dataclass(frozen=True, slots=True)
class Part:
    """The part that two pictures share.

    Attributes:
        support: How many corners agree on where it lies; 0 where there is none.
        structure: Structural similarity of the part as the two show it.
        detail: Similarity of its fine detail.
        differing: Which share of it differs in fine detail, where the rest would do for a match.
        ahead: By how much it is more alike than a match takes; negative where it is less, or where too much differs.
    """

    support: int = 0
    structure: float = 0.0
    detail: float = 0.0
    differing: float = 0.0
    ahead: float = -1.0


@dataclass(frozen=True)
class _Picture:
    features: Features
    corners: Corners

    @classmethod
    def of(cls, fingerprint: Fingerprint) -> "_Picture":
        return cls(whole(fingerprint), corners_of(fingerprint))

    @cached_property
    def mirrored(self) -> Corners:
        return self.corners.mirrored()


@dataclass(frozen=True)
class _Proposal:
    """Where the part may lie: how many corners say so, and the maps of it into the one and the other picture."""

    support: int
    shown: NDArray[np.int64]
    seen: NDArray[np.int64]

    def shares(self) -> tuple[float, float]:
        """Return which share of the one and of the other picture's area the part is."""
        shown, seen = (
            abs(float(where[0, 0] * where[1, 1] - where[0, 1] * where[1, 0])) / UNIT**2
            for where in (self.shown, self.seen)
        )
        return shown, seen

    def pixels(self) -> float:
        """Return the side of a square of as many pixels as the coarser of the two thumbnails has of the part."""
        return THUMBNAIL_SIDE * sqrt(min(self.shares()))


def shared_parts(query: Fingerprint, references: Sequence[Fingerprint], rule: PartRule) -> list[Part]:
    """Return the part of `query` and each of `references` that they most surely share."""
    ours = _Picture.of(query)
    found = []
    for reference in references:
        theirs = _Picture.of(reference)
        # Which of the two is mapped onto the other must not depend on which one is the query.
        swapped = theirs.features < ours.features
        found.append(_shared(theirs, ours, rule) if swapped else _shared(ours, theirs, rule))
    return found


def _shared(first: _Picture, second: _Picture, rule: PartRule) -> Part:
    flat = min(flat_share(picture.features) for picture in (first, second))
    if flat >= rule.blank:
        return Part()
    pictures = Pictures.of([first.features, second.features])
    proposals = []
    for mirrored in (False, True):
        corners = first.mirrored if mirrored else first.corners
        for agreement in agreements(corners, second.corners, rule.consensus):
            views = shared_views(pictures.aspects[0], pictures.aspects[1], agreement, mirrored)
            if views is not None:
                proposals.append(_Proposal(agreement.support, *views))
    proposals = [one for one in proposals if one.support >= rule.many or max(one.shares()) >= rule.covered]
    proposals = _roughly_alike(pictures, proposals, rule)
    if not proposals:
        return Part()
    found = _compared(pictures, proposals, _AS_IT_IS, rule, drawn=flat >= rule.flat)
    best = max(found, key=lambda part: part.ahead)
    if best.ahead >= 0:
        return best
    # Aligned, a part is more alike; but what differs in too large a share is another thing, and stays one.
    open_ones = [number for number, part in enumerate(found) if part.differing <= rule.differing]
    nearest = max(open_ones, key=lambda number: found[number].ahead, default=None)
    if nearest is not None and found[nearest].structure >= rule.worth_aligning:
        found += _compared(pictures, [proposals[nearest]], rule.aligned, rule, drawn=flat >= rule.flat)
    return max(found, key=lambda part: part.ahead)


def _roughly_alike(pictures: Pictures, proposals: Sequence[_Proposal], rule: PartRule) -> list[_Proposal]:
    """Return the proposals under which the part looks alike on a few pixels: most of wrong ones end here, cheaply."""
    if not proposals:
        return []
    shown, seen = (
        sample(np.broadcast_to(picture, (len(proposals), *picture.shape)), np.array(maps), _ROUGH_SIDE).reshape(
            len(proposals), -1
        )
        for picture, maps in zip(
            pictures.thumbnails,
            ([one.shown for one in proposals], [one.seen for one in proposals]),
            strict=True,
        )
    )
    shown, seen = (views - views.mean(axis=1, keepdims=True) for views in (shown, seen))
    norms = np.sqrt((shown * shown).sum(axis=1) * (seen * seen).sum(axis=1))
    alike = (shown * seen).sum(axis=1) >= rule.rough * norms
    return [proposal for proposal, kept in zip(proposals, alike, strict=True) if kept]


def _compared(
    pictures: Pictures, proposals: Sequence[_Proposal], attempt: Round, rule: PartRule, *, drawn: bool
) -> list[Part]:
    first, second = (np.broadcast_to(one, (len(proposals), *one.shape)) for one in pictures.thumbnails)
    shown, seen = np.array([one.shown for one in proposals]), np.array([one.seen for one in proposals])
    # Two ways of each pair; the better one counts.
    views = in_register(ViewPairs(first, shown, second, seen), attempt)
    structures, details = views.structures, views.details
    least_detail = np.interp([one.pixels() for one in proposals], *np.array(rule.detail).T)
    least_structure = np.interp([one.support for one in proposals], *np.array(rule.structure).T)
    ahead = np.maximum(details - least_detail, structures - least_structure) - drawn * rule.drawn
    shares = views.differing(ahead >= 0)
    ways = np.where(shares > rule.differing, -1.0, ahead).argmax(axis=0)
    ahead[shares > rule.differing] = -SHORT_OF_MATCH
    return [
        Part(proposal.support, *(float(one[way, pair]) for one in (structures, details, shares, ahead)))
        for pair, (proposal, way) in enumerate(zip(proposals, ways, strict=True))
    ]
