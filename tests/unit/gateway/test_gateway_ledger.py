"""The ledger's adapter: which failure of the client becomes which of the three that the platform keeps apart."""

from collections.abc import Iterator
from typing import Any

import pytest

from countermark.gateway.ledger import FabricLedger
from countermark.network.client import (
    CommitStatusError,
    DeliverError,
    EndorseError,
    EvaluateError,
    LedgerError,
    Retry,
    SubmitError,
    UnavailableError,
)
from countermark.platform import ports
from countermark.protocol.errors import ErrorCode, MarketError

REFUSAL = MarketError(ErrorCode.WRONG_STATE, "not now")


class Failing:
    """A client whose every call fails with `error`."""

    def __init__(self, error: LedgerError) -> None:
        self._error = error
        self.closed = 0

    def __getattr__(self, _name: str) -> Any:
        def fail(*_: object, **__: object) -> Any:
            raise self._error

        return fail


class BrokenStream:
    """A stream of one block that then breaks."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[str]:
        yield "block 0"
        raise DeliverError(ErrorCode.LEDGER_UNAVAILABLE, "broken")

    def close(self) -> None:
        self.closed = True


def evaluate(ledger: FabricLedger) -> object:
    return ledger.evaluate("market.show", [])


def submit(ledger: FabricLedger) -> object:
    return ledger.submit("tx", b"envelope")


def status(ledger: FabricLedger) -> object:
    return ledger.commit_status("tx")


def height(ledger: FabricLedger) -> object:
    return ledger.height()


def endorse(ledger: FabricLedger) -> object:
    return ledger.endorse(ports.Prepared("tx", b"proposal"))


@pytest.fixture(autouse=True)
def any_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countermark.gateway.ledger.Proposal.parse", lambda data: data)


CASES: dict[str, tuple[Any, LedgerError, type[ports.LedgerError]]] = {
    "query refused by a contract": (
        evaluate,
        EvaluateError(ErrorCode.WRONG_STATE, "not now", market_error=REFUSAL),
        ports.RefusedError,
    ),
    "query that nobody answers": (
        evaluate,
        UnavailableError(ErrorCode.LEDGER_UNAVAILABLE, "away"),
        ports.UnavailableError,
    ),
    "query that the peer rejects": (
        evaluate,
        EvaluateError(ErrorCode.LEDGER_UNAVAILABLE, "odd"),
        ports.UnavailableError,
    ),
    "proposal refused by a contract": (
        endorse,
        EndorseError(ErrorCode.WRONG_STATE, "not now", tx_id="tx", market_error=REFUSAL),
        ports.RefusedError,
    ),
    "proposal that nobody answers": (
        endorse,
        UnavailableError(ErrorCode.LEDGER_UNAVAILABLE, "away"),
        ports.UnavailableError,
    ),
    "endorsers that disagree for the moment": (
        endorse,
        EndorseError(ErrorCode.ENDORSEMENT_FAILED, "differ", retry=Retry.ANEW),
        ports.UnavailableError,
    ),
    "endorsers that disagree for good": (
        endorse,
        EndorseError(ErrorCode.ENDORSEMENT_FAILED, "secret host: differ", status="INVALID_ARGUMENT"),
        ports.RefusedError,
    ),
    "envelope that may have arrived": (
        submit,
        SubmitError(ErrorCode.OUTCOME_UNKNOWN, "away", tx_id="tx"),
        ports.OutcomeUnknownError,
    ),
    "envelope that the orderers refuse": (
        submit,
        SubmitError(ErrorCode.ENDORSEMENT_FAILED, "secret host: refused", tx_id="tx", status="ABORTED"),
        ports.RefusedError,
    ),
    "envelope that has no orderer yet": (
        submit,
        SubmitError(ErrorCode.LEDGER_UNAVAILABLE, "which?", tx_id="tx", retry=Retry.SAME),
        ports.UnavailableError,
    ),
    "outcome that nobody knows": (
        status,
        CommitStatusError(ErrorCode.OUTCOME_UNKNOWN, "away", tx_id="tx"),
        ports.OutcomeUnknownError,
    ),
    "height that nobody tells": (
        height,
        DeliverError(ErrorCode.LEDGER_UNAVAILABLE, "away"),
        ports.UnavailableError,
    ),
}


@pytest.mark.parametrize(("call", "error", "expected"), CASES.values(), ids=CASES)
def test_failure(call: Any, error: LedgerError, expected: type[ports.LedgerError]) -> None:
    with pytest.raises(expected) as caught:
        call(FabricLedger(Failing(error)))  # type: ignore[arg-type]
    assert type(caught.value) is expected
    if isinstance(caught.value, ports.RefusedError):
        assert caught.value.error.code is error.code
        assert "secret host" not in caught.value.error.detail


def test_a_proposal_that_is_refused_for_its_date_says_whose_fault_it_is_not() -> None:
    """No rule of the market has refused it, and no peer is away: it can be made again when the clocks agree."""
    skewed = EndorseError(ErrorCode.CLOCK_SKEWED, "incorrect timestamp", retry=Retry.ANEW)
    with pytest.raises(ports.UnavailableError) as caught:
        endorse(FabricLedger(Failing(skewed)))  # type: ignore[arg-type]  # as much of a client as is asked
    assert caught.value.code is ErrorCode.CLOCK_SKEWED


def test_stream_of_blocks_that_breaks_is_closed() -> None:
    stream = BrokenStream()

    class Client:
        def blocks(self, *_: object, **__: object) -> BrokenStream:
            return stream

    blocks = FabricLedger(Client()).blocks(0)  # type: ignore[arg-type]
    assert next(blocks) == "block 0"
    with pytest.raises(ports.UnavailableError):
        next(blocks)
    assert stream.closed
