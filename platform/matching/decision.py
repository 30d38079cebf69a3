"""Decide whether data may be registered, from what they resemble: the decision table of A-06, the shares of A-09.

Step (5) asks two things: is the requester the current owner, and is the data not on the market yet (R26). Of a
collection both are asked of every item. What a refused requester may learn is the decision and a case number; which
registration matched stays with the platform (A-43), except when it is his own. Pure rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from countermark.platform.matching.candidates import Candidate, Offered, Standing
from countermark.platform.matching.holdings import Holdings, Share
from countermark.platform.matching.policy import POLICY, Policy


class Decision(StrEnum):
    """What the gate says; every one but ALLOWED refuses, and is kept with its case number."""

    ALLOWED = "allowed"
    RELIST_EXISTING = "relist_existing"
    ALREADY_LISTED = "already_listed"
    ALREADY_REGISTERED = "already_registered"
    SIMILAR_REGISTERED = "similar_registered"
    UNDER_REVIEW = "under_review"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The gate's decision and the registrations behind it.

    ``existing`` is the requester's own contract that a refusal names, "" when there is none; ``matched`` are the
    addresses that led to the decision, and ``shares`` say how much of whose is at hand, both for the platform and the
    supervisor only; ``overlaps`` are the requester's own contracts of which an allowed registration is a part, or
    which are a part of it: `listing.create` marks them, and they are never sold whole again.
    """

    decision: Decision
    existing: str = ""
    matched: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()


# A requester's own contracts, the strictest first.
_OWN = ((Standing.PENDING, Decision.ALREADY_REGISTERED), (Standing.ON_MARKET, Decision.ALREADY_LISTED))


def decide(offered: Offered, candidates: Iterable[Candidate], policy: Policy = POLICY) -> Outcome:
    """Return what the gate answers to ``offered``, which resembles ``candidates``.

    Void registrations count for nothing. Too much of somebody else's refuses whatever else was found; then one's own
    registration does, under way before listed before off the market, unless he was awarded it; then a person looks at
    what is in doubt.
    """
    found = Holdings.of(offered, candidates, policy)
    return _refusal(found) or _own_refusal(found) or _review(found) or _allowed(found)


def approve(offered: Offered, candidates: Iterable[Candidate], policy: Policy = POLICY) -> Outcome:
    """Return what the gate answers to ``offered`` once a person has found that what is in doubt is nobody else's."""
    found = Holdings.of(offered, candidates, policy)
    return _refusal(found) or _own_refusal(found) or _allowed(found)


def _refusal(found: Holdings) -> Outcome | None:
    """Return the refusal if too much is somebody else's."""
    mine, policy = len(found.of_others), found.policy
    too_many = mine > 0 and (
        mine >= policy.refuse_share * len(found.offered.items)
        or found.offered.others_before + mine >= policy.refuse_items
    )
    matched = found.others if too_many else [c for c in found.others if found.is_taken_over(c)]
    return _refused(found, Decision.SIMILAR_REGISTERED, matched) if matched else None


def _own_refusal(found: Holdings) -> Outcome | None:
    """Return the refusal if any of it is on the market already, or all of it has a contract."""
    own = found.own
    for where, decision in _OWN:
        those = [c for c in own if c.standing is where]
        if those:
            return _refused(found, decision, those, existing=those[0].address)
    same = [c for c in own if found.is_same(c) and c.standing is not Standing.AWARDED]
    if not same:
        return None
    off = next((c for c in same if c.standing is Standing.OFF_MARKET), None)
    if off is not None:
        return _refused(found, Decision.RELIST_EXISTING, same, existing=off.address)
    # Split, and never sold whole again.
    return _refused(found, Decision.ALREADY_REGISTERED, same, existing=same[0].address)


def _review(found: Holdings) -> Outcome | None:
    """Return the refusal if a person has to look at it first."""
    mine, number, policy = found.of_others, len(found.offered.items), found.policy
    if mine and (len(mine) >= policy.review_share * number or len(mine) >= policy.review_items):
        return _refused(found, Decision.UNDER_REVIEW, found.others)
    parts = [c for c in found.others if found.share_of(c) >= policy.review_share]
    if parts:
        return _refused(found, Decision.UNDER_REVIEW, parts)
    # Of his own split collection the requester may sell the parts, and what he was awarded is his.
    his = (Standing.PARTITIONED, Standing.AWARDED)
    doubtful = [c for c in found.live if c.doubted and not (c.owner == found.offered.requester and c.standing in his)]
    doubted = mine.union(*(c.doubted for c in doubtful))
    if doubtful and len(doubted) >= policy.refuse_share * number:
        return _refused(found, Decision.UNDER_REVIEW, doubtful)
    return None


def _allowed(found: Holdings) -> Outcome:
    return Outcome(Decision.ALLOWED, overlaps=tuple(c.address for c in found.own), shares=found.shares())


def _refused(found: Holdings, decision: Decision, matched: Iterable[Candidate], existing: str = "") -> Outcome:
    return Outcome(decision, existing, tuple(c.address for c in matched), shares=found.shares())
