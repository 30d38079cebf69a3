"""The tables of states: complete, and without a state that nobody can leave."""

import pytest

from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import (
    ACTS,
    DEFAULTS,
    Actor,
    ListingState,
    Outcome,
    TradeState,
    find_act,
    find_default,
    next_acts,
    next_acts_of,
    next_listing_state,
)


@pytest.mark.parametrize("state", [state for state in TradeState if not state.final])
def test_every_state_reaches_an_end_by_deadlines_alone(state: TradeState) -> None:
    decider, seen = Actor.ARBITER, set()
    while not state.final:
        assert (state, decider) not in seen, "the defaults go round in a circle"
        seen.add((state, decider))
        default = find_default(state, decider)
        assert default is not None
        if default.target is None:
            assert default.outcome is Outcome.UNDECIDED
            return
        if default.target is state:
            decider = Actor.SUBSTITUTE
        state = default.target


def test_final_states_have_neither_acts_nor_defaults() -> None:
    for state in (TradeState.SETTLED, TradeState.REFUNDED):
        assert find_default(state) is None
        assert not next_acts(state)


def test_every_arrow_into_an_end_says_why() -> None:
    for arrow in (*ACTS, *DEFAULTS):
        ends = arrow.target is None or arrow.target.final
        assert ends == (arrow.outcome is not Outcome.NONE), arrow


def test_no_deadline_pays_the_platform_for_its_own_delay() -> None:
    waiting_for_platform = {
        act.source for act in ACTS if act.actor is Actor.PLATFORM and act.function == "trade.relay"
    }
    # A remedy that is not relayed leaves the decision where it was: with the arbiter.
    waiting_for_platform.remove(TradeState.EVIDENCED)
    for state in waiting_for_platform:
        default = find_default(state)
        assert default is not None
        assert default.target is TradeState.REFUNDED


def test_wrong_actor_and_wrong_state_are_told_apart() -> None:
    with pytest.raises(MarketError) as refused:
        find_act(TradeState.PAID, "trade.charge", frozenset({Actor.BUYER}))
    assert refused.value.code is ErrorCode.WRONG_ACTOR
    with pytest.raises(MarketError) as refused:
        find_act(TradeState.SENT, "trade.charge", frozenset({Actor.SELLER}))
    assert refused.value.code is ErrorCode.WRONG_STATE
    with pytest.raises(MarketError) as refused:
        find_act(TradeState.SENT, "trade.ack", frozenset({Actor.BUYER}), "perhaps")
    assert refused.value.code is ErrorCode.WRONG_STATE


def test_buyer_and_platform_may_both_dispute_a_mismatch() -> None:
    for actor in (Actor.BUYER, Actor.PLATFORM):
        act = find_act(TradeState.MISMATCHED, "trade.dispute", frozenset({actor}), "mismatch")
        assert act.target is TradeState.DISPUTED


@pytest.mark.parametrize(
    ("state", "function", "expected"),
    [
        (ListingState.LISTED, "trade.pay", ListingState.RESERVED),
        (ListingState.PENDING_FEE, "listing.charge", ListingState.LISTED),
        (ListingState.SOLD, "listing.relist", ListingState.LISTED),
        (ListingState.WITHDRAWN, "listing.relist", ListingState.LISTED),
        (ListingState.RESERVED, "trade.pay", ErrorCode.ALREADY_RESERVED),
        (ListingState.SOLD, "trade.pay", ErrorCode.NOT_FOR_SALE),
        (ListingState.RESERVED, "listing.withdraw", ErrorCode.WRONG_STATE),
        (ListingState.VOID, "listing.relist", ErrorCode.WRONG_STATE),
        (ListingState.PARTITIONED, "listing.relist", ErrorCode.WRONG_STATE),
    ],
)
def test_listing_goes_where_the_table_says(
    state: ListingState, function: str, expected: ListingState | ErrorCode
) -> None:
    if isinstance(expected, ListingState):
        assert next_listing_state(state, function) is expected
        return
    with pytest.raises(MarketError) as refused:
        next_listing_state(state, function)
    assert refused.value.code is expected


@pytest.mark.parametrize(
    ("remedy", "act", "role"),
    [
        (None, "trade.remedy", Actor.SELLER),
        ({"relayed_at": ""}, "trade.relay", Actor.PLATFORM),
        ({"relayed_at": "2026-01-31T12:00:00.000Z"}, "trade.accept", Actor.BUYER),
    ],
)
@pytest.mark.parametrize("decider", [Actor.ARBITER, Actor.SUBSTITUTE])
def test_what_comes_next_in_a_dispute_goes_by_the_remedy_and_by_whose_time_it_is(
    remedy: dict[str, str] | None, act: str, role: Actor, decider: Actor
) -> None:
    record = {"state": "EVIDENCED", "remedy": remedy, "decider": str(decider)}
    assert next_acts_of(record) == {act: frozenset({role}), "trade.decide": frozenset({decider})}
