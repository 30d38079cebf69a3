"""How an account's trades have ended: facts of the ledger that anybody can count again, and no score (R78)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from countermark.protocol.claims import Claimed
from countermark.protocol.transitions import Actor, Outcome, TradeState


class Mark(StrEnum):
    """What the end of a trade, or of a claim of ownership, says of one of its parties.

    Attributes:
        SOLD: He was paid.
        BOUGHT: He has paid, and owns.
        NOT_SENT: He had accepted a payment, and sent nothing.
        AT_FAULT: What he sent, or had registered, was not what he sold.
        DISPUTE_WON: A dispute ended for him, by decision or because the other was silent.
        DISPUTE_LOST: It ended against him.
        CLAIM_WON: A contract that he had claimed, or had, was found to be his.
        CLAIM_LOST: It was found to be the other's.
    """

    SOLD = "sold"
    BOUGHT = "bought"
    NOT_SENT = "not_sent"
    AT_FAULT = "at_fault"
    DISPUTE_WON = "disputes_won"
    DISPUTE_LOST = "disputes_lost"
    CLAIM_WON = "claims_won"
    CLAIM_LOST = "claims_lost"


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


def claim_marks(side: Claimed, outcome: Claimed) -> tuple[Mark, ...]:
    """Return what the outcome of a claim says of the one on ``side``; nothing while it waits, or where it lapsed."""
    if outcome is Claimed.NOBODY:
        return ()
    return (Mark.CLAIM_WON if outcome is side else Mark.CLAIM_LOST,)


def count(
    ends: Iterable[tuple[Actor, TradeState, Outcome, int]], claims: Iterable[tuple[Claimed, Claimed, int]] = ()
) -> dict[Mark, int]:
    """Return how often each mark is an account's.

    ``ends`` are those of its trades: as what, where, why, and how many; ``claims`` its side, the outcome, how many.
    """
    found: Counter[Mark] = Counter()
    for side, found_for, number in claims:
        for mark in claim_marks(side, found_for):
            found[mark] += number
    for role, state, outcome, number in ends:
        for mark in marks(role, state, outcome):
            found[mark] += number
    return {mark: found[mark] for mark in Mark}
