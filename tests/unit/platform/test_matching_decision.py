"""The decision table of A-06, row by row; what collections share is in test_matching_shares."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermark.platform.matching.candidates import Candidate, Offered, Standing, standing
from countermark.platform.matching.decision import Decision, Outcome, decide
from countermark.protocol.transitions import LISTING_ACTS, ListingState

SELLER, OTHER = "did:key:seller", "did:key:other"
PENDING, ON, OFF, AWARDED, PARTS, ERASED, VOID = Standing
EXACT, MATCH, REVIEW = "exact", "match", "review"
PHOTO = ("image", 0)
OFFERED = Offered(SELLER, frozenset({PHOTO}))
LIKE: dict[str, dict[str, Any]] = {
    EXACT: {"exact": True},
    MATCH: {"copies": frozenset({(PHOTO, PHOTO)})},
    REVIEW: {"doubted": frozenset({PHOTO})},
}


def _candidate(owner: str, where: Standing, how: str, address: str = "dc1a", items: int = 1) -> Candidate:
    return Candidate(address, owner, where, items, **LIKE[how])


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    ("owner", "where", "how", "decision"),
    [
        (SELLER, PENDING, MATCH, Decision.ALREADY_REGISTERED),
        (SELLER, ON, MATCH, Decision.ALREADY_LISTED),
        (SELLER, ON, EXACT, Decision.ALREADY_LISTED),
        (SELLER, OFF, MATCH, Decision.RELIST_EXISTING),
        (SELLER, OFF, EXACT, Decision.RELIST_EXISTING),
        (SELLER, PARTS, MATCH, Decision.ALREADY_REGISTERED),
        (SELLER, PARTS, EXACT, Decision.ALREADY_REGISTERED),
        (SELLER, AWARDED, MATCH, Decision.ALLOWED),
        (SELLER, AWARDED, EXACT, Decision.ALLOWED),
        (SELLER, AWARDED, REVIEW, Decision.ALLOWED),
        (SELLER, ERASED, EXACT, Decision.ALLOWED),
        (SELLER, VOID, EXACT, Decision.ALLOWED),
        (SELLER, ON, REVIEW, Decision.UNDER_REVIEW),
        (SELLER, PARTS, REVIEW, Decision.ALLOWED),
        (SELLER, VOID, REVIEW, Decision.ALLOWED),
        (OTHER, PENDING, MATCH, Decision.SIMILAR_REGISTERED),
        (OTHER, ON, EXACT, Decision.SIMILAR_REGISTERED),
        (OTHER, OFF, MATCH, Decision.SIMILAR_REGISTERED),
        (OTHER, PARTS, MATCH, Decision.SIMILAR_REGISTERED),
        (OTHER, AWARDED, MATCH, Decision.SIMILAR_REGISTERED),
        (OTHER, ERASED, EXACT, Decision.SIMILAR_REGISTERED),
        (OTHER, VOID, EXACT, Decision.ALLOWED),
        (OTHER, ON, REVIEW, Decision.UNDER_REVIEW),
        (OTHER, OFF, REVIEW, Decision.UNDER_REVIEW),
        (OTHER, VOID, REVIEW, Decision.ALLOWED),
    ],
)
def test_one_resembling_registration(owner: str, where: Standing, how: str, decision: Decision) -> None:
    assert decide(OFFERED, [_candidate(owner, where, how)]).decision is decision


@pytest.mark.requirement("A-08")
def test_what_was_awarded_is_replaced_by_what_its_owner_registers_himself() -> None:
    assert decide(OFFERED, [_candidate(SELLER, AWARDED, EXACT)]).overlaps == ("dc1a",)
    states = {state for state in ListingState if standing(state, awarded=True) is AWARDED}
    assert states == {ListingState.WITHDRAWN, ListingState.SOLD, ListingState.PENDING_FEE}


@pytest.mark.requirement("R25")
def test_data_that_resembles_nothing_is_allowed() -> None:
    assert decide(OFFERED, []) == Outcome(Decision.ALLOWED)


def test_somebody_elses_match_goes_before_ones_own_listing() -> None:
    outcome = decide(OFFERED, [_candidate(SELLER, OFF, MATCH, "dc1a"), _candidate(OTHER, OFF, MATCH, "dc1b")])
    assert (outcome.decision, outcome.matched) == (Decision.SIMILAR_REGISTERED, ("dc1b",))


def test_a_refusal_over_ones_own_contract_names_it() -> None:
    outcome = decide(OFFERED, [_candidate(SELLER, OFF, MATCH, "dc1a"), _candidate(OTHER, ON, REVIEW, "dc1b")])
    assert (outcome.decision, outcome.existing) == (Decision.RELIST_EXISTING, "dc1a")


@pytest.mark.requirement("A-43")
def test_a_refusal_over_somebody_elses_contract_names_nothing() -> None:
    assert decide(OFFERED, [_candidate(OTHER, ON, MATCH)]).existing == ""


@pytest.mark.parametrize("state", ListingState)
def test_every_listing_state_has_a_standing_and_only_void_counts_for_nothing(state: ListingState) -> None:
    assert (standing(state) is Standing.VOID) == (state is ListingState.VOID)
    assert standing(state) is not Standing.PENDING


@pytest.mark.parametrize("state", ListingState)
def test_an_erased_contract_is_given_up_only_where_it_could_be_listed_again(state: ListingState) -> None:
    relistable = state in LISTING_ACTS["listing.relist"]
    assert standing(state, erased=True) is (Standing.ERASED if relistable else standing(state))


def test_a_state_of_a_later_version_counts_as_on_the_market() -> None:
    assert standing("SOMETHING_NEW") is Standing.ON_MARKET


candidates = st.builds(
    _candidate,
    owner=st.sampled_from([SELLER, OTHER]),
    where=st.sampled_from(Standing),
    how=st.sampled_from([EXACT, MATCH, REVIEW]),
    address=st.sampled_from(["dc1a", "dc1b", "dc1c"]),
)


@given(st.lists(candidates, max_size=6, unique_by=lambda c: c.address))
def test_nothing_that_is_somebody_elses_or_on_the_market_is_ever_allowed(found: list[Candidate]) -> None:
    outcome = decide(OFFERED, found)
    if outcome.decision is Decision.ALLOWED:
        his = {(SELLER, where) for where in (PARTS, AWARDED, ERASED)}
        assert all(c.standing is VOID or (c.owner, c.standing) in his for c in found)


@given(st.lists(candidates, max_size=6, unique_by=lambda c: c.address), st.randoms())
def test_the_order_of_the_index_does_not_matter(found: list[Candidate], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' Random
    assert decide(OFFERED, found) == decide(OFFERED, shuffled)
