"""What may be done after a failure: one table, by phase of a transaction and by what went wrong.

Sending the same signed envelope twice is safe, because its id commits once; a new proposal is a new transaction and
is safe only when the old one can no longer commit. The status codes are those of Fabric's Gateway service.
"""

from enum import StrEnum

from countermark.network.blocks.codes import Code


class Phase(StrEnum):
    """The calls that make up a transaction, and the two that only read."""

    EVALUATE = "evaluate"
    ENDORSE = "endorse"
    SUBMIT = "submit"
    COMMIT_STATUS = "commit_status"
    DELIVER = "deliver"


class Retry(StrEnum):
    """The next step after a failure."""

    NEVER = "never"
    """The request is at fault, or refused by a rule: the same again fails again."""
    SAME = "same"
    """Nothing has happened, or the same bytes do no harm: send them again."""
    ANEW = "anew"
    """This transaction is dead or was never made: make a new proposal from the present state."""
    ASK = "ask"
    """The transaction may have been ordered: ask for the status of its id before anything else."""


_BUSY = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED")

_BY_STATUS: dict[tuple[Phase, str], Retry] = {
    **{(Phase.EVALUATE, status): Retry.SAME for status in (*_BUSY, "ABORTED")},
    **{(Phase.ENDORSE, status): Retry.SAME for status in _BUSY},
    # Endorsers disagreed, or one was away: they may agree on a proposal made later.
    (Phase.ENDORSE, "ABORTED"): Retry.ANEW,
    # Discovery has not yet found enough peers, as just after a start.
    (Phase.ENDORSE, "FAILED_PRECONDITION"): Retry.SAME,
    **{(Phase.SUBMIT, status): Retry.SAME for status in (*_BUSY, "FAILED_PRECONDITION")},
    **{(Phase.COMMIT_STATUS, status): Retry.ASK for status in (*_BUSY, "ABORTED", "UNKNOWN", "INTERNAL")},
    **{(Phase.DELIVER, status): Retry.SAME for status in (*_BUSY, "ABORTED", "UNKNOWN", "INTERNAL")},
}

_BY_VALIDATION: dict[int, Retry] = {
    Code.MVCC_READ_CONFLICT: Retry.ANEW,
    Code.PHANTOM_READ_CONFLICT: Retry.ANEW,
    # Another copy of the same envelope was first; its status is the answer.
    Code.DUPLICATE_TXID: Retry.ASK,
}


def retry_after_status(phase: Phase, status: str) -> Retry:
    """Return what may follow when the call of `phase` ended with the gRPC status named `status`."""
    return _BY_STATUS.get((phase, status), Retry.NEVER)


def retry_after_validation(code: int) -> Retry:
    """Return what may follow when a transaction was committed as invalid with validation code `code`."""
    return _BY_VALIDATION.get(code, Retry.NEVER)
