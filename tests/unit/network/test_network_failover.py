"""A client of several gateways: goes on to the next when one is away, comes back, shows secrets to nobody else."""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest

from countermark.network.client import (
    CommitStatusError,
    EndorseError,
    EvaluateError,
    GatewayClient,
    LedgerError,
    ProfileError,
    Retry,
    SubmitError,
    Timeouts,
    UnavailableError,
)
from countermark.network.client.errors import DeliverError
from countermark.network.client.gateways import FIRST_PAUSE_S, LONGEST_PAUSE_S, Attempt, Gateways
from countermark.network.envelopes import ErrorDetail, Invocation, Response, RpcStatus
from countermark.protocol.errors import ErrorCode
from tests.unit.network.consortium import Network
from tests.unit.network.gateway_on_loopback import TIMEOUTS, LoopbackPeer, chaincode_refusal, contract

PLATFORM, SUPERVISOR, TRADER = "PlatformMSP", "SupervisorMSP", "TraderMSP"
BOTH = (PLATFORM, SUPERVISOR)
AWAY = RpcStatus(grpc.StatusCode.UNAVAILABLE.value[0], "away")


def status(code: grpc.StatusCode, message: str = "no", *details: ErrorDetail) -> RpcStatus:
    return RpcStatus(code.value[0], message, details)


class Trio:
    """A gateway of the platform, one of the supervisor and one of the trader, in this order, and a client of them."""

    def __init__(self, network: Network, timeouts: Timeouts = TIMEOUTS) -> None:
        self.peers = {msp_id: LoopbackPeer(network, contract) for msp_id in (*BOTH, TRADER)}
        own, *others = (peer.profile(msp_id=msp_id) for msp_id, peer in self.peers.items())
        self.client = GatewayClient(own, *others, timeouts=timeouts)

    def fail(self, method: str, *failing: str, with_: RpcStatus = AWAY, times: int = 1) -> None:
        for msp_id in failing:
            self.peers[msp_id].failures[method].extend([with_] * times)

    def asked(self, method: str) -> list[int]:
        """How often each gateway was asked."""
        return [len(peer.calls[method]) for peer in self.peers.values()]

    def close(self) -> None:
        self.client.close()
        for peer in self.peers.values():
            peer.stop()


@pytest.fixture
def trio(network: Network) -> Iterator[Trio]:
    trio = Trio(network)
    yield trio
    trio.close()


def calls(client: GatewayClient) -> dict[str, Callable[[], Any]]:
    endorsed = client.endorse("f")
    return {
        "Evaluate": lambda: client.evaluate("f"),
        "Endorse": lambda: client.endorse("f"),
        "Submit": lambda: client.submit(endorsed.tx_id, endorsed.envelope),
        "CommitStatus": lambda: client.commit_status(endorsed.tx_id),
    }


# Away


@pytest.mark.parametrize("method", ["Evaluate", "Endorse", "Submit", "CommitStatus"])
def test_a_call_goes_on_to_the_next_gateway(trio: Trio, method: str) -> None:
    call = calls(trio.client)
    call["Submit"]()
    for peer in trio.peers.values():
        peer.calls.clear()
    trio.fail(method, PLATFORM)
    if method == "CommitStatus":  # the second peer has the transaction too, as peers of one channel do
        trio.peers[SUPERVISOR]._blocks.extend(trio.peers[PLATFORM]._blocks[1:])
    call[method]()
    assert trio.asked(method) == [1, 1, 0]


def test_a_killed_gateway_is_gone_on_from_in_every_call_of_a_transaction(trio: Trio) -> None:
    trio.peers[PLATFORM].stop()
    endorsed = trio.client.endorse("f")
    trio.client.submit(endorsed.tx_id, endorsed.envelope)
    assert trio.client.commit_status(endorsed.tx_id).valid
    assert trio.client.newest_block().number == trio.client.block(1).number == 1
    assert [one.number for one in trio.client.blocks(0, stop=1)] == [0, 1]


def test_a_gateway_that_says_nothing_is_gone_on_from_within_the_deadline(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.network.client.gateways.TRY_S", 0.5)
    trio, silence = Trio(network, Timeouts(evaluate=1.5)), threading.Event()

    def say_nothing(_invocation: Invocation, _transient: Mapping[str, bytes]) -> Response:
        silence.wait()
        return Response(200)

    trio.peers[PLATFORM].contract = say_nothing
    assert trio.client.evaluate("f")
    assert trio.asked("Evaluate") == [1, 1, 0]
    silence.set()
    trio.close()


def test_a_gateway_whose_chaincode_is_gone_is_gone_on_from(trio: Trio) -> None:
    gone = ErrorDetail("peer0:7051", PLATFORM, "failed to execute transaction ab: could not launch chaincode c:1: x")
    trio.fail("Endorse", PLATFORM, with_=status(grpc.StatusCode.ABORTED, "failed to endorse", gone))
    assert trio.client.endorse("f").envelope
    assert trio.asked("Endorse") == [1, 1, 0]


def test_of_gateways_that_are_all_away_the_first_ones_reason_is_told(trio: Trio) -> None:
    trio.fail("Endorse", PLATFORM, with_=status(grpc.StatusCode.UNAVAILABLE, "first"))
    trio.fail("Endorse", SUPERVISOR, TRADER)
    with pytest.raises(UnavailableError, match="first") as caught:
        trio.client.endorse("f")
    assert caught.value.retry is Retry.OTHER
    assert trio.asked("Endorse") == [1, 1, 1]


def test_a_proposal_that_grew_old_before_a_gateway_that_hangs_is_no_question_of_clocks(trio: Trio) -> None:
    """With a narrow time window, users were told that clocks differ because a peer had hung."""
    trio.fail("Endorse", PLATFORM, with_=status(grpc.StatusCode.DEADLINE_EXCEEDED))
    old = "request unauthorized due to incorrect timestamp 2026-01-01T00:00:00Z, peer time 2026-01-01T00:00:05Z"
    trio.fail("Endorse", SUPERVISOR, with_=status(grpc.StatusCode.ABORTED, old))
    with pytest.raises(UnavailableError) as caught:
        trio.client.endorse("f")
    assert (caught.value.code, trio.asked("Endorse")) == (ErrorCode.LEDGER_UNAVAILABLE, [1, 1, 0])


# Not away


@pytest.mark.parametrize(
    "answer",
    [
        chaincode_refusal('{"code":"wrong_state","detail":"not now"}'),
        status(grpc.StatusCode.ABORTED, "ProposalResponsePayloads do not match"),
        status(grpc.StatusCode.PERMISSION_DENIED),
        status(grpc.StatusCode.CANCELLED),
    ],
    ids=["refused by the contract", "endorsers disagree", "not permitted", "ended by ourselves"],
)
def test_an_answer_is_not_asked_for_again_elsewhere(trio: Trio, answer: RpcStatus) -> None:
    trio.fail("Endorse", PLATFORM, with_=answer)
    with pytest.raises(LedgerError):
        trio.client.endorse("f")
    assert trio.client.endorse("f").envelope
    assert trio.asked("Endorse") == [2, 0, 0]


def test_waiting_for_a_block_is_no_sign_of_a_gateway_that_is_away(trio: Trio) -> None:
    with pytest.raises(CommitStatusError) as caught:
        trio.client.commit_status("ab" * 32, 0.2)
    assert caught.value.retry is Retry.SAME
    assert trio.asked("CommitStatus") == [1, 0, 0]


# Outcomes


def test_a_lost_answer_is_made_good_by_the_same_bytes_at_another_gateway(trio: Trio) -> None:
    endorsed = trio.client.endorse("f")
    trio.fail("Submit", PLATFORM)
    trio.client.submit(endorsed.tx_id, endorsed.envelope)
    first, second = (trio.peers[one].calls["Submit"][0].prepared_transaction for one in BOTH)
    assert first.SerializeToString() == second.SerializeToString() == endorsed.envelope


@pytest.mark.parametrize("answer", ["ABORTED", "FAILED_PRECONDITION", "NOT_FOUND"])
def test_what_one_gateway_says_does_not_make_known_what_another_left_unknown(trio: Trio, answer: str) -> None:
    """Else a row would be closed as refused whose envelope an orderer has."""
    endorsed = trio.client.endorse("f")
    trio.fail("Submit", PLATFORM, TRADER)
    trio.fail("Submit", SUPERVISOR, with_=status(grpc.StatusCode[answer]))
    with pytest.raises(SubmitError) as caught:
        trio.client.submit(endorsed.tx_id, endorsed.envelope)
    assert caught.value.code is ErrorCode.OUTCOME_UNKNOWN


def test_an_outcome_is_unknown_whichever_gateway_left_it_so(trio: Trio) -> None:
    endorsed = trio.client.endorse("f")
    trio.fail("Submit", PLATFORM, TRADER, with_=status(grpc.StatusCode.FAILED_PRECONDITION, "no orderers yet"))
    trio.fail("Submit", SUPERVISOR)
    with pytest.raises(SubmitError) as caught:
        trio.client.submit(endorsed.tx_id, endorsed.envelope)
    assert caught.value.code is ErrorCode.OUTCOME_UNKNOWN
    trio.fail("Submit", *trio.peers, with_=status(grpc.StatusCode.FAILED_PRECONDITION, "no orderers yet"))
    with pytest.raises(SubmitError) as caught:
        trio.client.submit(endorsed.tx_id, endorsed.envelope)
    assert caught.value.code is ErrorCode.LEDGER_UNAVAILABLE


def test_that_a_transaction_is_in_no_block_is_heard_from_the_gateway_that_is_there(trio: Trio) -> None:
    """The outbox hands the same bytes over again when it hears so, and not when nobody could say."""
    trio.fail("CommitStatus", PLATFORM)
    with pytest.raises(CommitStatusError) as caught:
        trio.client.commit_status("ab" * 32, 0.5)
    assert (caught.value.code, caught.value.retry) == (ErrorCode.OUTCOME_UNKNOWN, Retry.SAME)


# Secrets


def test_transient_data_never_reaches_a_gateway_of_whom_is_not_to_see_it(trio: Trio) -> None:
    trio.fail("Endorse", *BOTH, times=3)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            trio.client.endorse("listing.create", transient={"opening": b"x"}, endorsing_organisations=BOTH)
    assert trio.asked("Endorse") == [3, 3, 0]
    # What is public may go there, and does, while the others are left alone.
    assert trio.client.endorse("trade.pay", endorsing_organisations=BOTH).envelope
    assert trio.asked("Endorse") == [3, 3, 1]


def test_transient_data_of_a_query_stays_with_the_organisation_that_asks(trio: Trio) -> None:
    trio.fail("Evaluate", PLATFORM, times=2)
    with pytest.raises(UnavailableError):
        trio.client.evaluate("f", transient={"s": b"x"})
    assert trio.asked("Evaluate") == [1, 0, 0]
    assert trio.client.evaluate("f", transient={"s": b"x"}, target_organisations=(SUPERVISOR,))
    assert trio.asked("Evaluate") == [1, 1, 0]


def test_transient_data_for_nobody_who_has_a_gateway_goes_nowhere(network: Network, peer: LoopbackPeer) -> None:
    client = GatewayClient(peer.profile("trader"), timeouts=TIMEOUTS)
    with pytest.raises(EndorseError, match="no gateway"):
        client.endorse("f", transient={"s": b"x"}, endorsing_organisations=BOTH)
    with pytest.raises(EvaluateError, match="no gateway"):
        client.evaluate("f", transient={"s": b"x"}, target_organisations=BOTH)
    assert not peer.calls
    client.close()


# Profiles


def test_whoever_speaks_is_the_one_of_the_first_profile_and_no_other_key_is_needed(
    network: Network, peer: LoopbackPeer
) -> None:
    nowhere = Path("/nowhere/key.pem")
    other = peer.profile("trader", msp_id=TRADER, cert_file=nowhere, key_file=nowhere)
    client = GatewayClient(peer.profile(gateway="127.0.0.1:1"), other, timeouts=TIMEOUTS)
    endorsed = client.endorse("f")
    client.submit(endorsed.tx_id, endorsed.envelope)
    (block,) = client.blocks(1, stop=1)
    assert block.transactions[0].creator_msp == PLATFORM
    client.close()


@pytest.mark.parametrize("change", [{"channel": "other"}, {"chaincode": "other"}])
def test_gateways_of_another_market_are_refused(peer: LoopbackPeer, change: dict[str, str]) -> None:
    with pytest.raises(ProfileError, match="other"):
        GatewayClient(peer.profile(), peer.profile(**change))


# Left for a while


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Answers:
    """Gateways that answer as told; `order` is the order in which they were asked."""

    def __init__(self, peer: LoopbackPeer) -> None:
        self.clock = Clock()
        self.away: set[str] = set()
        self.order: list[str] = []
        profiles = [peer.profile(msp_id=msp_id) for msp_id in (*BOTH, TRADER)]
        self.gateways = Gateways(profiles, clock=self.clock)

    def ask(self) -> list[str]:
        """Ask once and return who was asked."""
        self.order.clear()
        self.gateways.ask(self._call, timeout=10.0)
        return list(self.order)

    def _call(self, attempt: Attempt, _seconds: float) -> None:
        msp_id = attempt._gateway.msp_id
        self.order.append(msp_id)
        if msp_id in self.away:
            raise UnavailableError(ErrorCode.LEDGER_UNAVAILABLE, "away", retry=Retry.OTHER)


@pytest.fixture
def answers(peer: LoopbackPeer) -> Answers:
    return Answers(peer)


def test_a_gateway_that_is_away_is_left_and_asked_again_later(answers: Answers) -> None:
    answers.away = {PLATFORM}
    assert answers.ask() == [PLATFORM, SUPERVISOR]
    assert answers.ask() == [SUPERVISOR]
    answers.clock.now += FIRST_PAUSE_S
    assert answers.ask() == [PLATFORM, SUPERVISOR]
    answers.clock.now += FIRST_PAUSE_S
    assert answers.ask() == [SUPERVISOR], "it is left for twice as long"
    answers.clock.now += FIRST_PAUSE_S
    answers.away = set()
    assert answers.ask() == [PLATFORM]
    assert answers.ask() == [PLATFORM]


def test_it_is_never_left_for_longer_than_half_a_minute(answers: Answers) -> None:
    answers.away = {PLATFORM}
    for _ in range(100):
        answers.ask()
        answers.clock.now += LONGEST_PAUSE_S
    answers.away = set()
    assert answers.ask() == [PLATFORM]


def test_one_call_finds_out_whether_it_is_back_and_the_others_do_not_wait_with_it(answers: Answers) -> None:
    answers.away = {PLATFORM}
    answers.ask()
    answers.clock.now += FIRST_PAUSE_S
    asked_meanwhile: list[str] = []

    def ask_another(attempt: Attempt, _seconds: float) -> None:
        if attempt._gateway.msp_id == PLATFORM and not asked_meanwhile:
            asked_meanwhile.extend(answers.ask())

    answers.gateways.ask(ask_another, timeout=10.0)
    assert asked_meanwhile == [SUPERVISOR]


def test_a_call_that_waits_is_not_the_one_to_find_out(answers: Answers) -> None:
    """It would wait for as long as it may at a gateway that hangs, and be none the wiser."""
    answers.away = {PLATFORM}
    answers.ask()
    answers.clock.now += FIRST_PAUSE_S
    answers.order.clear()
    answers.gateways.ask(answers._call, timeout=10.0, waits=True)
    assert answers.order == [SUPERVISOR]
    assert answers.ask() == [PLATFORM, SUPERVISOR]


def test_calls_that_fail_side_by_side_count_once(answers: Answers) -> None:
    attempts = [answers.gateways.first() for _ in range(10)]
    for attempt in attempts:
        attempt.failed(UnavailableError(ErrorCode.LEDGER_UNAVAILABLE, "away", retry=Retry.OTHER))
    answers.clock.now += FIRST_PAUSE_S
    assert answers.ask() == [PLATFORM]


def test_when_all_are_away_all_are_asked(answers: Answers) -> None:
    answers.away = {*BOTH, TRADER}
    for _ in range(3):
        with pytest.raises(UnavailableError):
            answers.ask()
        assert sorted(answers.order) == sorted(answers.away)
    answers.away = {*BOTH}
    assert answers.ask()[-1] == TRADER


def test_a_stream_that_broke_goes_on_at_another_gateway(trio: Trio) -> None:
    stream = trio.client.blocks(0)
    assert next(stream).number == 0
    trio.peers[PLATFORM].stop()
    with pytest.raises(DeliverError):
        next(stream)
    assert next(trio.client.blocks(0)).number == 0
    assert trio.asked("Deliver") == [1, 1, 0]
