"""Decide whether data may be registered, from what it resembles: the decision table of A-06, as a pure rule.

Step (5) asks two things: is the requester the current owner, and is the data not on the market yet (R26). What a
refused requester may learn is the decision and a case number; which registration matched stays with the platform
(A-43), except when it is his own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Resemblance(StrEnum):
    """How alike the data at hand and a registration are, the strictest of all item pairs."""

    EXACT = "exact"
    MATCH = "match"
    REVIEW = "review"


class Decision(StrEnum):
    """What the gate says; every one but ALLOWED refuses, and is kept with its case number."""

    ALLOWED = "allowed"
    RELIST_EXISTING = "relist_existing"
    ALREADY_LISTED = "already_listed"
    ALREADY_REGISTERED = "already_registered"
    SIMILAR_REGISTERED = "similar_registered"
    UNDER_REVIEW = "under_review"


class Standing(StrEnum):
    """Where a registration stands, as far as the gate is concerned."""

    PENDING = "pending"  # it passed the gate, the ledger has not said yet
    ON_MARKET = "on_market"
    OFF_MARKET = "off_market"
    PARTITIONED = "partitioned"
    VOID = "void"


_STANDINGS = {
    "PENDING_FEE": Standing.ON_MARKET,
    "LISTED": Standing.ON_MARKET,
    "RESERVED": Standing.ON_MARKET,
    "WITHDRAWN": Standing.OFF_MARKET,
    "SOLD": Standing.OFF_MARKET,
    "PARTITIONED": Standing.PARTITIONED,
    "VOID": Standing.VOID,
}


def standing(listing_state: str) -> Standing:
    """Return the standing of a contract in ``listing_state`` (the Listing machine of protocol.md).

    A state that this table does not know counts as on the market: the strict side.
    """
    return _STANDINGS.get(listing_state, Standing.ON_MARKET)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registration that the data at hand resembles."""

    address: str
    owner: str
    standing: Standing
    resemblance: Resemblance


@dataclass(frozen=True, slots=True)
class Outcome:
    """The gate's decision and the registrations behind it.

    ``existing`` is the requester's own contract that a refusal names, "" when there is none; ``matched`` are the
    addresses that led to the decision, for the platform and the supervisor only; ``overlaps`` are the requester's
    own contracts that an allowed registration shares data with, which `listing.create` records.
    """

    decision: Decision
    existing: str = ""
    matched: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()


_SURE = frozenset({Resemblance.EXACT, Resemblance.MATCH})
# A requester's own contracts, the strictest first.
_OWN = (
    (Standing.PENDING, Decision.ALREADY_REGISTERED),
    (Standing.ON_MARKET, Decision.ALREADY_LISTED),
    (Standing.OFF_MARKET, Decision.RELIST_EXISTING),
)


def decide(requester: str, candidates: Iterable[Candidate]) -> Outcome:
    """Return what the gate answers ``requester`` (an account address) whose data resemble ``candidates``.

    Void registrations count for nothing. Somebody else's match refuses whatever else was found; then one's own
    registration does, under way before listed before off the market; then any resemblance in the review band.
    """
    live = sorted((c for c in candidates if c.standing is not Standing.VOID), key=lambda c: c.address)
    sure = [c for c in live if c.resemblance in _SURE]
    foreign = tuple(c.address for c in sure if c.owner != requester)
    if foreign:
        return Outcome(Decision.SIMILAR_REGISTERED, matched=foreign)
    for where, decision in _OWN:
        own = tuple(c.address for c in sure if c.standing is where)
        if own:
            return Outcome(decision, existing=own[0], matched=own)
    # What is left and sure are the requester's own partitioned collections, whose parts he may sell.
    doubtful = tuple(
        c.address
        for c in live
        if c.resemblance is Resemblance.REVIEW and not (c.owner == requester and c.standing is Standing.PARTITIONED)
    )
    if doubtful:
        return Outcome(Decision.UNDER_REVIEW, matched=doubtful)
    return Outcome(Decision.ALLOWED, overlaps=tuple(c.address for c in live))


def approve(requester: str, candidates: Iterable[Candidate]) -> Outcome:
    """Return what the gate answers ``requester`` once a person has found that the likenesses in doubt are none."""
    return decide(requester, (c for c in candidates if c.resemblance is not Resemblance.REVIEW))
