"""Where every coin goes, end by end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countermark.protocol import money
from countermark.protocol.settlement import RULES, Part, Receiver, largest_payout, payouts
from countermark.protocol.transitions import ACTS, DEFAULTS, Outcome, TradeState

HELD = {Part.PRICE: 1000, Part.BUYER_BOND: 50, Part.FEE: 25, Part.SELLER_BOND: 50}
SETTLED, REFUNDED = TradeState.SETTLED, TradeState.REFUNDED
BUYER, SELLER, PLATFORM, ARBITER = Receiver


@pytest.mark.requirement("R48")
@pytest.mark.parametrize(
    ("state", "outcome", "expected"),
    [
        (SETTLED, Outcome.CONFIRMED, {BUYER: 50, SELLER: 1050, PLATFORM: 25}),
        (SETTLED, Outcome.ACCEPTED, {BUYER: 50, SELLER: 1050, PLATFORM: 25}),
        (SETTLED, Outcome.AUTO_RELEASED, {BUYER: 50, SELLER: 1050, PLATFORM: 25}),
        (SETTLED, Outcome.UNDECIDED, {BUYER: 50, SELLER: 1050, PLATFORM: 25}),
        (SETTLED, Outcome.BUYER_SILENT, {SELLER: 1100, PLATFORM: 25}),
        (SETTLED, Outcome.DECIDED, {SELLER: 1079, PLATFORM: 25, ARBITER: 21}),
        (SETTLED, Outcome.REMEDIED, {BUYER: 40, SELLER: 1039, PLATFORM: 25, ARBITER: 21}),
        (REFUNDED, Outcome.DECLINED, {BUYER: 1050, SELLER: 75}),
        (REFUNDED, Outcome.NO_FEE, {BUYER: 1050, SELLER: 75}),
        (REFUNDED, Outcome.NOT_RELAYED, {BUYER: 1050, SELLER: 75}),
        (REFUNDED, Outcome.UNDECIDED, {BUYER: 1050, SELLER: 75}),
        (REFUNDED, Outcome.CANCELLED, {BUYER: 1100, SELLER: 25}),
        (REFUNDED, Outcome.NO_SHOW, {BUYER: 1100, SELLER: 25}),
        (REFUNDED, Outcome.FAULT, {BUYER: 1079, SELLER: 25, ARBITER: 21}),
    ],
)
def test_each_end_pays_whom_the_protocol_names(
    state: TradeState, outcome: Outcome, expected: dict[Receiver, int]
) -> None:
    assert payouts(HELD, state, outcome, arbiter_fee=21) == expected


OF_TRADES = [part for part in Part if part not in (Part.CLAIMANT_DEPOSIT, Part.OWNER_DEPOSIT)]


def test_every_reachable_end_has_a_rule() -> None:
    reachable = {(arrow.target, arrow.outcome) for arrow in (*ACTS, *DEFAULTS) if arrow.target and arrow.target.final}
    reachable |= {(state, Outcome.UNDECIDED) for state in (SETTLED, REFUNDED)}
    assert reachable <= set(RULES)


@given(
    st.sampled_from(sorted(RULES)),
    st.dictionaries(st.sampled_from(OF_TRADES), st.integers(0, 10**12)),
    st.integers(0, 10**6),
)
def test_no_unit_is_made_or_lost(end: tuple[TradeState, Outcome], held: dict[Part, int], arbiter_fee: int) -> None:
    paid = payouts(held, *end, arbiter_fee=arbiter_fee)
    assert sum(paid.values()) == sum(held.values())
    assert all(amount > 0 for amount in paid.values())
    assert paid.get(ARBITER, 0) <= arbiter_fee


@pytest.mark.parametrize("end", sorted(RULES))
def test_platform_earns_the_fee_of_settled_trades_only(end: tuple[TradeState, Outcome]) -> None:
    assert payouts(HELD, *end).get(PLATFORM, 0) == (25 if end[0] is SETTLED else 0)


@given(
    st.sampled_from(sorted(RULES)),
    st.integers(0, 10**12),
    st.integers(0, 10_000),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
)
def test_nobody_ever_gets_more_than_the_largest_payout(
    end: tuple[TradeState, Outcome], price: int, basis_points: int, bond: int, arbiter_fee: int
) -> None:
    held = {
        Part.PRICE: price,
        Part.BUYER_BOND: bond,
        Part.FEE: money.fee(price, basis_points),
        Part.SELLER_BOND: bond,
    }
    assert max(payouts(held, *end, arbiter_fee=arbiter_fee).values(), default=0) <= largest_payout(price, bond)
