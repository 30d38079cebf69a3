"""What the ends of trades say of their parties: the table, written out by hand."""

import pytest

from countermark.protocol.claims import Claimed
from countermark.protocol.conduct import Mark, count, marks
from countermark.protocol.settlement import RULES
from countermark.protocol.transitions import Actor, Outcome, TradeState

_SOLD, _BOUGHT = (Mark.SOLD,), (Mark.BOUGHT,)

ENDS = {
    ("SETTLED", "confirmed"): (_SOLD, _BOUGHT),
    ("SETTLED", "accepted"): (_SOLD, _BOUGHT),
    ("SETTLED", "auto_released"): (_SOLD, _BOUGHT),
    ("SETTLED", "undecided"): (_SOLD, _BOUGHT),
    ("SETTLED", "supplied"): (_SOLD, _BOUGHT),
    ("SETTLED", "remedied"): (_SOLD, _BOUGHT),
    ("SETTLED", "decided"): ((Mark.SOLD, Mark.DISPUTE_WON), (Mark.BOUGHT, Mark.DISPUTE_LOST)),
    ("SETTLED", "buyer_silent"): ((Mark.SOLD, Mark.DISPUTE_WON), (Mark.BOUGHT, Mark.DISPUTE_LOST)),
    ("REFUNDED", "fault"): ((Mark.AT_FAULT, Mark.DISPUTE_LOST), (Mark.DISPUTE_WON,)),
    ("REFUNDED", "no_show"): ((Mark.NOT_SENT,), ()),
    ("REFUNDED", "cancelled"): ((Mark.NOT_SENT,), ()),
    ("REFUNDED", "declined"): ((), ()),
    ("REFUNDED", "no_fee"): ((), ()),
    ("REFUNDED", "not_relayed"): ((), ()),
    ("REFUNDED", "undecided"): ((), ()),
    ("REFUNDED", "claimed"): ((), ()),
}


@pytest.mark.parametrize(("state", "outcome"), ENDS)
def test_the_end_of_a_trade_says_so_much_of_its_parties(state: str, outcome: str) -> None:
    found = tuple(marks(role, TradeState(state), Outcome(outcome)) for role in (Actor.SELLER, Actor.BUYER))
    assert found == ENDS[state, outcome]


def test_every_end_is_here() -> None:
    assert {(TradeState(state), Outcome(outcome)) for state, outcome in ENDS} == set(RULES)


def test_what_runs_says_nothing_and_what_is_counted_adds_up() -> None:
    running = [(Actor.BUYER, state, Outcome.NONE, 1) for state in TradeState if not state.final]
    ended = [
        (Actor.SELLER, TradeState.SETTLED, Outcome.DECIDED, 3),
        (Actor.BUYER, TradeState.SETTLED, Outcome.CONFIRMED, 2),
        (Actor.SELLER, TradeState.REFUNDED, Outcome.FAULT, 1),
    ]
    claims = [
        (Claimed.OWNER, Claimed.OWNER, 2),
        (Claimed.OWNER, Claimed.CLAIMANT, 1),
        (Claimed.CLAIMANT, Claimed.NOBODY, 4),
    ]
    assert count([*running, *ended], claims) == {
        Mark.SOLD: 3,
        Mark.BOUGHT: 2,
        Mark.NOT_SENT: 0,
        Mark.AT_FAULT: 1,
        Mark.DISPUTE_WON: 3,
        Mark.DISPUTE_LOST: 1,
        Mark.CLAIM_WON: 2,
        Mark.CLAIM_LOST: 1,
    }
