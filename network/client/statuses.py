"""From a failed gRPC call to our error: what the endpoints said stands in a trailer, not in the message."""

import re

import grpc

from countermark.network.client.errors import (
    CommitStatusError,
    DeliverError,
    EndorseError,
    EvaluateError,
    LedgerError,
    SubmitError,
    UnavailableError,
)
from countermark.network.client.retries import Phase, Retry, retry_after_status
from countermark.network.envelopes import TRAILER, ErrorDetail, RpcStatus
from countermark.network.errors import EnvelopeError
from countermark.protocol.errors import ErrorCode, MarketError

# How a peer's gateway passes on what a chaincode answered (status 400 and above).
_CHAINCODE_ANSWER = re.compile(r"chaincode response \d+, (.*)", re.DOTALL)
_NOTHING_HAPPENED = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED"}

_NOT_TAKEN = {
    # An orderer answered with a status from 400 to 499, which it gives before it enqueues anything. Whatever orderer
    # was tried before that one and broke off had the same rules to go by.
    "ABORTED": ErrorCode.ENDORSEMENT_FAILED,
    # The request itself lacks the transaction or its signature, or the channel is not there.
    "INVALID_ARGUMENT": ErrorCode.ENDORSEMENT_FAILED,
    "NOT_FOUND": ErrorCode.ENDORSEMENT_FAILED,
    # The peer does not yet know the channel's orderers.
    "FAILED_PRECONDITION": ErrorCode.LEDGER_UNAVAILABLE,
}
"""Statuses of Submit after which these bytes, sent by this call, are with no orderer. Of all others nobody knows."""

_CLASSES: dict[Phase, type[LedgerError]] = {
    Phase.EVALUATE: EvaluateError,
    Phase.ENDORSE: EndorseError,
    Phase.SUBMIT: SubmitError,
    Phase.COMMIT_STATUS: CommitStatusError,
    Phase.DELIVER: DeliverError,
}
_CODES = {
    Phase.EVALUATE: ErrorCode.LEDGER_UNAVAILABLE,
    Phase.ENDORSE: ErrorCode.ENDORSEMENT_FAILED,
    Phase.SUBMIT: ErrorCode.OUTCOME_UNKNOWN,
    Phase.COMMIT_STATUS: ErrorCode.OUTCOME_UNKNOWN,
    Phase.DELIVER: ErrorCode.LEDGER_UNAVAILABLE,
}


def ledger_error(phase: Phase, error: grpc.RpcError, tx_id: str = "") -> LedgerError:
    """Return the error for a call of `phase` that ended with `error`.

    The chaincode's own refusal, where there is one, gives code and detail. Where nothing can have been ordered and
    the gateway did not answer, the class is `UnavailableError` whatever the phase.
    """
    status = error.code().name
    message = error.details() or ""
    details = _details(error)
    market_error = None
    if phase in (Phase.EVALUATE, Phase.ENDORSE):
        market_error = _market_error([*(one.message for one in details), message])
    if market_error is not None:
        return _CLASSES[phase](
            market_error.code,
            market_error.detail,
            tx_id=tx_id,
            retry=Retry.NEVER,
            status=status,
            details=details,
            market_error=market_error,
        )
    kind, code = _CLASSES[phase], _CODES[phase]
    if status in _NOTHING_HAPPENED and phase in (Phase.EVALUATE, Phase.ENDORSE):
        kind, code = UnavailableError, ErrorCode.LEDGER_UNAVAILABLE
    if phase is Phase.SUBMIT:
        code = _NOT_TAKEN.get(status, code)
    said = "; ".join(f"{one.msp_id} {one.address}: {one.message}" for one in details)
    text = f"{status} {message}" + (f" [{said}]" if said else "")
    retry = retry_after_status(phase, status)
    return kind(code, text, tx_id=tx_id, retry=retry, status=status, details=details)


def _details(error: grpc.RpcError) -> tuple[ErrorDetail, ...]:
    for key, value in error.trailing_metadata() or ():
        if key == TRAILER:
            try:
                return RpcStatus.parse(value).details
            except EnvelopeError:
                return ()  # a proxy's trailer in another format must not hide the status itself
    return ()


def _market_error(messages: list[str]) -> MarketError | None:
    for message in messages:
        answer = _CHAINCODE_ANSWER.search(message)
        if answer is not None:
            found = MarketError.from_json(answer.group(1))
            if found is not None:
                return found
    return None
