"""What may follow when the ledger does not do what was asked: one table, from what went wrong to the next step.

It is read by whoever makes a call (`network.client`) and by whoever repeats it (the platform's outbox). Two facts
carry it. Handing the same signed envelope over twice is safe, because its id commits once; whatever becomes of the
second copy, the verdict on the id is that of the first. A new proposal is a new transaction, and is safe only when
the old one can no longer commit.

The statuses are those with which Fabric's Gateway service ends calls, the verdicts its validation codes.
"""

from enum import StrEnum
from typing import NamedTuple

from countermark.protocol.errors import ErrorCode


class Phase(StrEnum):
    """The calls that make up a transaction, and the two that only read."""

    EVALUATE = "evaluate"
    ENDORSE = "endorse"
    SUBMIT = "submit"
    COMMIT_STATUS = "commit_status"
    DELIVER = "deliver"


class Retry(StrEnum):
    """The next step."""

    NEVER = "never"
    """The request is at fault, or refused by a rule: the same again fails again."""
    SAME = "same"
    """The same again, the same bytes where there are any: nothing has happened, or they do no harm."""
    OTHER = "other"
    """The same at another gateway: this one, or what stands behind it, is away. Without another: the same later."""
    ANEW = "anew"
    """This transaction is dead or was never made: make a new proposal from the present state."""
    ASK = "ask"
    """The transaction may have been ordered: what the ledger says of its id comes before anything else."""


class After(NamedTuple):
    """The next step, and as what the failure is known to whoever asked."""

    retry: Retry
    code: ErrorCode


_AWAY = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED")
_BROKEN = ("ABORTED", "UNKNOWN", "INTERNAL")

_BY_STATUS: dict[tuple[Phase, str], After] = {
    # No chaincode answered this peer, and it asks no other.
    **{(Phase.EVALUATE, status): After(Retry.OTHER, ErrorCode.LEDGER_UNAVAILABLE) for status in (*_AWAY, "ABORTED")},
    (Phase.EVALUATE, "CANCELLED"): After(Retry.SAME, ErrorCode.LEDGER_UNAVAILABLE),
    # FAILED_PRECONDITION: discovery has not yet found enough peers, as just after a start.
    **{
        (Phase.ENDORSE, status): After(Retry.OTHER, ErrorCode.LEDGER_UNAVAILABLE)
        for status in (*_AWAY, "FAILED_PRECONDITION")
    },
    (Phase.ENDORSE, "CANCELLED"): After(Retry.SAME, ErrorCode.LEDGER_UNAVAILABLE),
    # Endorsers disagreed, as peers of different heights do: they may agree on a proposal made later.
    (Phase.ENDORSE, "ABORTED"): After(Retry.ANEW, ErrorCode.ENDORSEMENT_FAILED),
    # The answer did not come, so an orderer may have it; if not, another gateway can still hand it over.
    **{(Phase.SUBMIT, status): After(Retry.OTHER, ErrorCode.OUTCOME_UNKNOWN) for status in _AWAY},
    # The peer does not yet know the channel's orderers: nobody has it.
    (Phase.SUBMIT, "FAILED_PRECONDITION"): After(Retry.OTHER, ErrorCode.LEDGER_UNAVAILABLE),
    # An orderer answered with a status from 400 to 499, which it gives before it enqueues anything. Whatever orderer
    # was tried before that one and broke off had the same rules to go by.
    (Phase.SUBMIT, "ABORTED"): After(Retry.NEVER, ErrorCode.ENDORSEMENT_FAILED),
    # The request itself lacks the transaction or its signature, or the channel is not there.
    (Phase.SUBMIT, "INVALID_ARGUMENT"): After(Retry.NEVER, ErrorCode.ENDORSEMENT_FAILED),
    (Phase.SUBMIT, "NOT_FOUND"): After(Retry.NEVER, ErrorCode.ENDORSEMENT_FAILED),
    **{
        (Phase.COMMIT_STATUS, status): After(Retry.OTHER, ErrorCode.OUTCOME_UNKNOWN)
        for status in ("UNAVAILABLE", "RESOURCE_EXHAUSTED", *_BROKEN)
    },
    # In no block so far: the envelope may be lost, and handing it over again is no harm if it is not.
    (Phase.COMMIT_STATUS, "DEADLINE_EXCEEDED"): After(Retry.SAME, ErrorCode.OUTCOME_UNKNOWN),
    (Phase.COMMIT_STATUS, "CANCELLED"): After(Retry.ASK, ErrorCode.OUTCOME_UNKNOWN),
    **{(Phase.DELIVER, status): After(Retry.OTHER, ErrorCode.LEDGER_UNAVAILABLE) for status in (*_AWAY, *_BROKEN)},
    (Phase.DELIVER, "CANCELLED"): After(Retry.SAME, ErrorCode.LEDGER_UNAVAILABLE),
}

_BY_PHASE = {
    Phase.EVALUATE: After(Retry.NEVER, ErrorCode.LEDGER_UNAVAILABLE),
    Phase.ENDORSE: After(Retry.NEVER, ErrorCode.ENDORSEMENT_FAILED),
    Phase.SUBMIT: After(Retry.ASK, ErrorCode.OUTCOME_UNKNOWN),
    Phase.COMMIT_STATUS: After(Retry.NEVER, ErrorCode.OUTCOME_UNKNOWN),
    Phase.DELIVER: After(Retry.NEVER, ErrorCode.LEDGER_UNAVAILABLE),
}
"""What holds for all other statuses."""

_CHAINCODE_AWAY = ("could not launch chaincode", "chaincode stream terminated", "the chaincode is shutting down")
"""How a peer says that its chaincode server is gone or going. It aborts the call and asks no other peer."""

_NOBODY_THERE = "failed to find any endorsing peers"
"""How a gateway says that it sees no peer of an organisation that is to endorse. None of the others would see one."""

_NO_KEEPER = "failed to distribute private collection"
"""How a peer says that it sees too few others to keep a private value with it, as when it has just started."""

_OUT_OF_WINDOW = "incorrect timestamp"
"""How a peer says that a proposal is dated too far from its clock."""

_CLAIMED = After(Retry.ASK, ErrorCode.CONFLICT)
_CONFLICT = After(Retry.ANEW, ErrorCode.CONFLICT)

_BY_VERDICT: dict[str, After] = {
    "MVCC_READ_CONFLICT": _CONFLICT,
    "PHANTOM_READ_CONFLICT": _CONFLICT,
    # Verdicts that an envelope of ours cannot earn: another with its id stands before it, a copy of it or a false
    # one. Peers tell of an id the first verdict in its block, whoever's envelope that was.
    "BAD_PAYLOAD": _CLAIMED,
    "BAD_COMMON_HEADER": _CLAIMED,
    "BAD_CREATOR_SIGNATURE": _CLAIMED,
    "INVALID_ENDORSER_TRANSACTION": _CLAIMED,
    "TARGET_CHAIN_NOT_FOUND": _CLAIMED,
    "BAD_PROPOSAL_TXID": _CLAIMED,
    "DUPLICATE_TXID": _CLAIMED,
}

_BY_REFUSAL: dict[ErrorCode, Retry] = {
    # Whoever chose the coins may choose others, once he has seen the block that spent these.
    ErrorCode.COIN_SPENT: Retry.ANEW,
    ErrorCode.UNKNOWN_COIN: Retry.ANEW,
}


def after_status(phase: Phase, status: str, said: str = "") -> After:
    """Return what may follow when the call of `phase` ended with the gRPC status named `status`.

    `said` is all that gateway and endorsers said of it.
    """
    if phase in (Phase.EVALUATE, Phase.ENDORSE) and _OUT_OF_WINDOW in said:
        # Whose clock is wrong nobody can tell from here; a proposal is dated anew, and once both are right it passes.
        return After(Retry.ANEW, ErrorCode.CLOCK_SKEWED)
    if (phase, status) == (Phase.ENDORSE, "ABORTED") and any(text in said for text in _CHAINCODE_AWAY):
        return After(Retry.OTHER, ErrorCode.LEDGER_UNAVAILABLE)
    missing = {"UNAVAILABLE": _NOBODY_THERE, "ABORTED": _NO_KEEPER}.get(status)
    if phase is Phase.ENDORSE and missing is not None and missing in said:
        return After(Retry.SAME, ErrorCode.LEDGER_UNAVAILABLE)
    return _BY_STATUS.get((phase, status), _BY_PHASE[phase])


def after_verdict(code_name: str) -> After:
    """Return what may follow when a block holds the transaction as invalid, with the validation code so named."""
    return _BY_VERDICT.get(code_name, After(Retry.NEVER, ErrorCode.ENDORSEMENT_FAILED))


def after_refusal(code: ErrorCode) -> Retry:
    """Return what may follow when the contract refused with `code`."""
    return _BY_REFUSAL.get(code, Retry.NEVER)
