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
from countermark.network.envelopes import TRAILER, ErrorDetail, RpcStatus
from countermark.network.errors import EnvelopeError
from countermark.protocol.errors import MarketError
from countermark.protocol.retries import Phase, Retry, after_refusal, after_status

# How a peer's gateway passes on what a chaincode answered (status 400 and above).
_CHAINCODE_ANSWER = re.compile(r"chaincode response \d+, (.*)", re.DOTALL)

_CLASSES: dict[Phase, type[LedgerError]] = {
    Phase.EVALUATE: EvaluateError,
    Phase.ENDORSE: EndorseError,
    Phase.SUBMIT: SubmitError,
    Phase.COMMIT_STATUS: CommitStatusError,
    Phase.DELIVER: DeliverError,
}


def ledger_error(phase: Phase, error: grpc.RpcError, tx_id: str = "") -> LedgerError:
    """Return the error for a call of `phase` that ended with `error`.

    The chaincode's own refusal, where there is one, gives code and detail. Where nothing can have been ordered and
    the same may succeed later or at another gateway, the class is `UnavailableError` whatever the phase.
    """
    status = error.code().name
    message = error.details() or ""
    details = _details(error)
    said = [*(one.message for one in details), message]
    market_error = _market_error(said) if phase in (Phase.EVALUATE, Phase.ENDORSE) else None
    if market_error is not None:
        return _CLASSES[phase](
            market_error.code,
            market_error.detail,
            tx_id=tx_id,
            retry=after_refusal(market_error.code),
            status=status,
            details=details,
            market_error=market_error,
        )
    retry, code = after_status(phase, status, "\n".join(said))
    kind = _CLASSES[phase]
    if phase in (Phase.EVALUATE, Phase.ENDORSE) and retry in (Retry.SAME, Retry.OTHER):
        kind = UnavailableError
    endpoints = "; ".join(f"{one.msp_id} {one.address}: {one.message}" for one in details)
    text = f"{status} {message}" + (f" [{endpoints}]" if endpoints else "")
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
    return next((found for message in messages if (found := refusal(message)) is not None), None)


def refusal(message: str) -> MarketError | None:
    """Return the refusal of one of our contracts that an endpoint tells of in `message`, None if it does not."""
    answer = _CHAINCODE_ANSWER.search(message)
    return None if answer is None else MarketError.from_json(answer.group(1))
