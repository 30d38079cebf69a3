"""Hands a signed envelope over, and the same bytes again, until a block holds it or there is no more time to wait.

This is the one place that sends again. It knows what a call to the ledger cannot: that the bytes are saved, and what
became of them before a crash. Which gateway takes them is the ledger's business: each call goes on to another one
when one does not answer.
"""

import logging
import math
import time
from dataclasses import dataclass

from countermark.faults import Point, reach
from countermark.platform.ports import CommitStatus, Ledger, OutcomeUnknownError, RefusedError, UnavailableError
from countermark.platform.store.outbox.entry import Entry, State
from countermark.protocol.errors import MarketError
from countermark.protocol.retries import Retry

_log = logging.getLogger(__name__)

RESEND_S = 2.0
"""How long an orderer's word that it took an envelope is good for; twice as long after each further time."""

PROBE_S = 1.0
"""How long to ask for an envelope that a crash or a lost answer has left in doubt, before it is handed over."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """How far an envelope has come.

    Attributes:
        status: What the block that holds it says; None while none is known.
        refusal: Why no orderer takes it, where no earlier copy can have been taken.
        taken: Whether an orderer has said that it took it.
        waited: Whether there was time to ask for its block.
        doubted: Whether an answer was lost, so that nobody knew whether an orderer has it.
    """

    status: CommitStatus | None = None
    refusal: MarketError | None = None
    taken: bool = False
    waited: bool = False
    doubted: bool = False


def order(ledger: Ledger, entry: Entry, deadline: float, *, recovered: bool) -> Ordered:
    """Have the envelope of `entry` ordered and return how far that went until `deadline` (`time.monotonic`).

    Args:
        ledger: Where to.
        entry: It is ENDORSED or SUBMITTED.
        deadline: However near it is, the envelope is handed over once.
        recovered: A copy may have left before, so the ledger is asked first.
    """
    taken = entry.state is State.SUBMITTED
    status, again, doubted = None, True, False
    if recovered:
        status, in_no_block = _ask(ledger, entry, RESEND_S if taken else PROBE_S)
        again = in_no_block or not taken
    may_be_ordered, waited, patience = recovered, recovered, RESEND_S
    while status is None and again:
        try:
            ledger.submit(entry.tx_id, entry.envelope)
            reach(Point.ENVELOPE_HANDED_OVER)
            taken = True
        except OutcomeUnknownError as error:
            _log.warning("may not have been ordered: %s", error)
            doubted = True
        except RefusedError as refused:
            if not may_be_ordered:
                return Ordered(refusal=refused.error)
            # A copy that left earlier may have been taken: only the ledger's answer for its id counts, and a further
            # copy would fare no better.
            _log.warning("not taken again: %s", refused)
            patience = math.inf
        except UnavailableError as error:
            _log.warning("not ordered yet: %s", error)
            return Ordered(taken=taken, waited=True, doubted=doubted)
        may_be_ordered = True
        left = deadline - time.monotonic()
        waited = waited or left > 0
        status, in_no_block = _ask(ledger, entry, min(left, patience))
        again = in_no_block and left > patience
        patience *= 2
    return Ordered(status, taken=taken, waited=waited, doubted=doubted)


def _ask(ledger: Ledger, entry: Entry, timeout_s: float) -> tuple[CommitStatus | None, bool]:
    """Return how the transaction ended, or None, and then whether it is in no block so far; else nobody could say."""
    if timeout_s <= 0:
        return None, False
    try:
        return ledger.commit_status(entry.tx_id, timeout_s=timeout_s), False
    except OutcomeUnknownError as error:
        return None, error.retry is Retry.SAME
