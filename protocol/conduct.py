"""How an account's trades have ended: facts of the ledger that anybody can count again, and no score (R78)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from countermark.protocol.transitions import Actor, Outcome, TradeState


class Mark(StrEnum):
    """What the end of a trade says of one of its parties.

    Attributes:
        SOLD: He was paid.
        BOUGHT: He has paid, and owns.
        NOT_SENT: He had accepted a payment, and sent nothing.
        AT_FAULT: What he sent, or had registered, was not what he sold.
        DISPUTE_WON: A dispute ended for him, by decision or because the other was silent.
        DISPUTE_LOST: It ended against him.
    """

    SOLD = "sold"
    BOUGHT = "bought"
    NOT_SENT = "not_sent"
    AT_FAULT = "at_fault"
    DISPUTE_WON = "disputes_won"
    DISPUTE_LOST = "disputes_lost"


_SELLER: Final[Mapping[Outcome, tuple[Mark, ...]]] = {
    Outcome.DECIDED: (Mark.DISPUTE_WON,),
    Outcome.BUYER_SILENT: (Mark.DISPUTE_WON,),
    Outcome.NO_SHOW: (Mark.NOT_SENT,),
    Outcome.CANCELLED: (Mark.NOT_SENT,),
    Outcome.FAULT: (Mark.AT_FAULT, Mark.DISPUTE_LOST),
}
_BUYER: Final[Mapping[Outcome, tuple[Mark, ...]]] = {
    Outcome.DECIDED: (Mark.DISPUTE_LOST,),
    Outcome.BUYER_SILENT: (Mark.DISPUTE_LOST,),
    Outcome.FAULT: (Mark.DISPUTE_WON,),
}


def marks(role: Actor, state: TradeState, outcome: Outcome) -> tuple[Mark, ...]:
    """Return what a trade in ``state`` by ``outcome`` says of its seller or buyer; nothing while it runs."""
    selling = role is Actor.SELLER
    done = (Mark.SOLD if selling else Mark.BOUGHT,) if state is TradeState.SETTLED else ()
    return done + (_SELLER if selling else _BUYER).get(outcome, ())


def count(ends: Iterable[tuple[Actor, TradeState, Outcome, int]]) -> dict[Mark, int]:
    """Return how often each mark is an account's, by the ends of its trades: as what, where, why, and how many."""
    found: Counter[Mark] = Counter()
    for role, state, outcome, number in ends:
        for mark in marks(role, state, outcome):
            found[mark] += number
    return {mark: found[mark] for mark in Mark}
