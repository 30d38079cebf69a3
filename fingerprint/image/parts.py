"""Whether a part of one picture lies in another: their corners agree on where, and the thumbnails agree there.

1. Corners: maps of the one picture, or of its mirror image, onto the other that corners at several places support.
2. Features: the part that both show under each map is compared like a pair of views: roughly first, then as it is
   and, where that falls short, after alignment. How similar it must be depends on how many corners support the map.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
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
        ahead: By how much that is more than a match takes; negative where it is less.
    """

    support: int = 0
    structure: float = 0.0
    detail: float = 0.0
    ahead: float = -1.0


@dataclass(frozen=True)
class _Picture:
    features: Features
    corners: Corners

    @classmethod
    def of(cls, fingerprint: Fingerprint) -> "_Picture":
        return cls(whole(fingerprint), corners_of(fingerprint))


@dataclass(frozen=True)
class _Proposal:
    """Where the part may lie: how many corners say so, and the maps of it into the one and the other picture."""

    support: int
    shown: NDArray[np.int64]
    seen: NDArray[np.int64]


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
        corners = first.corners.mirrored() if mirrored else first.corners
        for agreement in agreements(corners, second.corners, rule.consensus):
            views = shared_views(pictures.aspects[0], pictures.aspects[1], agreement, mirrored)
            if views is not None and (agreement.support >= rule.many or _covered(views) >= rule.covered):
                proposals.append(_Proposal(agreement.support, *views))
    proposals = _roughly_alike(pictures, proposals, rule)
    if not proposals:
        return Part()
    found = _compared(pictures, proposals, _AS_IT_IS, rule, drawn=flat >= rule.flat)
    best = max(range(len(found)), key=lambda index: found[index].ahead)
    if found[best].ahead >= 0 or found[best].structure < rule.worth_aligning:
        return found[best]
    (aligned,) = _compared(pictures, [proposals[best]], rule.aligned, rule, drawn=flat >= rule.flat)
    return max(found[best], aligned, key=lambda part: part.ahead)


def _covered(views: tuple[NDArray[np.int64], NDArray[np.int64]]) -> float:
    """Return how much of the one or the other picture the part is, whichever is more."""
    return max(abs(float(np.linalg.det(view[:, :2] / UNIT))) for view in views)


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
    supports, least = np.array(rule.structure).T
    enough = np.interp([one.support for one in proposals], supports, least)
    ahead = np.maximum(details - rule.detail, structures - enough) - drawn * rule.drawn
    ahead[views.differing(ahead >= 0) > rule.differing] = -SHORT_OF_MATCH
    return [
        Part(proposal.support, float(structures[way, pair]), float(details[way, pair]), float(ahead[way, pair]))
        for pair, (proposal, way) in enumerate(zip(proposals, ahead.argmax(axis=0), strict=True))
    ]
