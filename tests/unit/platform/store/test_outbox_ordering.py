"""An envelope is handed over again with the same bytes while no block holds it, and never called refused in doubt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest

from countermark.platform import ports
from countermark.platform.ports import CommitStatus, Endorsed, OutcomeUnknownError, Prepared
from countermark.platform.store.outbox import Entry, Request, State
from countermark.platform.store.outbox.ordering import PROBE_S, RESEND_S, Ordered, order
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.retries import Retry

ENVELOPE = b"signed bytes"
VALID = CommitStatus("tx", 7, 0, "VALID")
NOT_TAKEN = ports.RefusedError("tx", MarketError(ErrorCode.ENDORSEMENT_FAILED, "no"))
LOST = OutcomeUnknownError("tx", "the answer was lost", retry=Retry.OTHER)
NO_ORDERER = ports.UnavailableError("tx", "no orderer is known")
ENTRY = Entry(
    request_id="r",
    tx_id="tx",
    attempt=1,
    request=Request("coin.transfer", ()),
    state=State.ENDORSED,
    envelope=ENVELOPE,
    result=b"{}",
    block_number=None,
    validation=None,
    error=None,
    created_ms=0,
    updated_ms=0,
)


class Ledger:
    """A ledger on a clock of its own: `committed_at` is the second at which a block holds the envelope.

    `answers` are the errors with which the next submissions end, None for a success. Without `told` nobody can say
    how a transaction ended.
    """

    def __init__(
        self,
        answers: Iterable[Exception | None] = (),
        *,
        committed_at: float = float("inf"),
        told: bool = True,
    ) -> None:
        self.now = 0.0
        self.submitted: list[float] = []
        self.asked: list[float] = []
        self._answers = list(answers)
        self._committed_at = committed_at
        self._told = told

    def submit(self, tx_id: str, envelope: bytes, *, timeout_s: float = 10.0) -> None:
        assert (tx_id, envelope) == ("tx", ENVELOPE)
        self.submitted.append(self.now)
        answer = self._answers.pop(0) if self._answers else None
        if answer is not None:
            raise answer

    def commit_status(self, tx_id: str, *, timeout_s: float = 10.0) -> CommitStatus:
        self.asked.append(timeout_s)
        if not self._told:
            raise OutcomeUnknownError(tx_id, "no peer answers", retry=Retry.OTHER)
        ends = self.now + timeout_s
        self.now = max(self.now, min(self._committed_at, ends))
        if self._committed_at > ends:
            raise OutcomeUnknownError(tx_id, "in no block yet", retry=Retry.SAME)
        return VALID

    # What ordering never asks for

    def evaluate(
        self,
        function: str,
        args: Sequence[bytes],
        *,
        transient: Mapping[str, bytes] | None = None,
        timeout_s: float = 10.0,
    ) -> bytes:
        raise NotImplementedError

    def prepare(
        self, function: str, args: Sequence[bytes], *, transient: Mapping[str, bytes] | None = None
    ) -> Prepared:
        raise NotImplementedError

    def endorse(self, prepared: Prepared, *, organisations: Sequence[str] = (), timeout_s: float = 10.0) -> Endorsed:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[Ledger]:
    """The ledger whose clock ordering goes by, as its only element."""
    ledgers: list[Ledger] = []
    monkeypatch.setattr("countermark.platform.store.outbox.ordering.time.monotonic", lambda: ledgers[0].now)
    return ledgers


def run(
    clock: list[Ledger], ledger: Ledger, wait_s: float, state: State = State.ENDORSED, *, recovered: bool = False
) -> Ordered:
    clock[:] = [ledger]
    return order(ledger, replace(ENTRY, state=state), wait_s, recovered=recovered)


def test_what_commits_in_time_is_handed_over_once(clock: list[Ledger]) -> None:
    ledger = Ledger(committed_at=0.9 * RESEND_S)
    assert run(clock, ledger, 30).status == VALID
    assert ledger.submitted == [0]


def test_what_has_not_committed_is_handed_over_again_ever_more_rarely(clock: list[Ledger]) -> None:
    ledger = Ledger(committed_at=40)
    assert run(clock, ledger, 60).status == VALID
    assert ledger.submitted == [0, RESEND_S, 3 * RESEND_S, 7 * RESEND_S, 15 * RESEND_S]


def test_whoever_does_not_wait_hands_over_once_and_asks_nothing(clock: list[Ledger]) -> None:
    ledger = Ledger()
    assert run(clock, ledger, 0) == Ordered(taken=True, waited=False)
    assert (ledger.submitted, ledger.asked) == ([0], [])


def test_waiting_ends_with_its_time(clock: list[Ledger]) -> None:
    ledger = Ledger()
    assert run(clock, ledger, 5) == Ordered(taken=True, waited=True)
    assert ledger.now == 5
    assert ledger.submitted == [0, RESEND_S]


@pytest.mark.parametrize(
    ("state", "patience"), [(State.ENDORSED, PROBE_S), (State.SUBMITTED, RESEND_S)], ids=["in doubt", "taken"]
)
def test_after_a_crash_the_ledger_is_asked_before_the_same_bytes_are_handed_over(
    clock: list[Ledger], state: State, patience: float
) -> None:
    committed = Ledger(committed_at=0)
    assert run(clock, committed, 5, state, recovered=True).status == VALID
    assert committed.submitted == []
    lost = Ledger(committed_at=4)
    assert run(clock, lost, 5, state, recovered=True).status == VALID
    assert lost.submitted[0] == patience


def test_a_lost_answer_is_followed_by_the_question_how_it_ended(clock: list[Ledger]) -> None:
    ledger = Ledger([LOST], committed_at=0.1)
    assert run(clock, ledger, 5) == Ordered(VALID, taken=False, waited=True, doubted=True)
    assert ledger.submitted == [0]


def test_an_envelope_that_never_arrived_is_handed_over_again(clock: list[Ledger]) -> None:
    ledger = Ledger([LOST], committed_at=RESEND_S + 0.1)
    assert run(clock, ledger, 5) == Ordered(VALID, taken=True, waited=True, doubted=True)
    assert ledger.submitted == [0, RESEND_S]


def test_while_nobody_can_say_how_it_ended_it_is_not_handed_over_in_a_hurry(clock: list[Ledger]) -> None:
    ledger = Ledger(told=False)
    assert run(clock, ledger, 30) == Ordered(taken=True, waited=True)
    assert ledger.submitted == [0]


def test_after_a_crash_what_an_orderer_took_waits_for_somebody_who_can_say_how_it_ended(clock: list[Ledger]) -> None:
    taken = Ledger(told=False)
    assert run(clock, taken, 30, State.SUBMITTED, recovered=True) == Ordered(taken=True, waited=True)
    assert taken.submitted == []
    in_doubt = Ledger(told=False)
    assert run(clock, in_doubt, 30, recovered=True) == Ordered(taken=True, waited=True)
    assert in_doubt.submitted == [0]


def test_a_refusal_of_the_first_copy_is_one(clock: list[Ledger]) -> None:
    ledger = Ledger([NOT_TAKEN])
    assert run(clock, ledger, 30).refusal == NOT_TAKEN.error
    assert ledger.asked == []


@pytest.mark.parametrize(
    ("answers", "recovered"),
    [([None, NOT_TAKEN], False), ([LOST, NOT_TAKEN], False), ([NOT_TAKEN], True)],
    ids=["one was taken", "one was lost", "one may have left before the crash"],
)
def test_a_refusal_of_a_further_copy_is_none(
    clock: list[Ledger], answers: list[Exception | None], recovered: bool
) -> None:
    """The first may have been taken: only a verdict on the id counts."""
    ledger = Ledger(answers, committed_at=20)
    ordered = Ordered(VALID, taken=None in answers, waited=True, doubted=LOST in answers)
    assert run(clock, ledger, 30, recovered=recovered) == ordered
    assert len(ledger.submitted) == len(answers)


def test_without_an_orderer_it_is_left_for_later(clock: list[Ledger]) -> None:
    ledger = Ledger([NO_ORDERER])
    assert run(clock, ledger, 30) == Ordered(taken=False, waited=True)
    assert (ledger.submitted, ledger.asked) == ([0], [])


def test_that_an_orderer_took_it_is_not_forgotten_when_none_is_left(clock: list[Ledger]) -> None:
    ledger = Ledger([None, NO_ORDERER])
    assert run(clock, ledger, 30) == Ordered(taken=True, waited=True)
