"""The client of a peer, against a real gRPC server with TLS that endorses and orders for real and fails on demand."""

import json
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from countermark.network.client import (
    CommitError,
    CommitStatus,
    CommitStatusError,
    DeliverError,
    EndorseError,
    EvaluateError,
    GatewayClient,
    LedgerError,
    Retry,
    SubmitError,
    UnavailableError,
)
from countermark.network.envelopes import ErrorDetail, Proposal, RpcStatus
from countermark.network.envelopes.wire import encode
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.clock import now_ms
from tests.unit.network.consortium import CHAINCODE, CHANNEL, Network
from tests.unit.network.gateway_on_loopback import TIMEOUTS, LoopbackPeer, chaincode_refusal


def _status(code: grpc.StatusCode, message: str = "no", *details: ErrorDetail) -> RpcStatus:
    return RpcStatus(code.value[0], message, details)


# A transaction


def test_a_query_is_answered_and_orders_nothing(peer: LoopbackPeer, client: GatewayClient) -> None:
    answer = client.evaluate("market.show", ["a", b"b"], {"pepper": b"p"})
    assert json.loads(answer) == {"args": ["a", "b"], "transient": ["pepper"]}
    assert set(peer.calls) == {"Evaluate"}


@pytest.mark.parametrize(
    ("failures", "checked"),
    [
        ([], False),
        (["request unauthorized due to incorrect timestamp 1970-01-01, peer time 2026-01-01"], True),
    ],
)
def test_whether_the_peer_holds_timestamps_to_its_window_is_found_by_a_question_dated_1970(
    peer: LoopbackPeer, client: GatewayClient, failures: list[str], checked: bool
) -> None:
    peer.failures["Evaluate"].extend(_status(grpc.StatusCode.UNKNOWN, one) for one in failures)
    assert client.checks_time("market.show") is checked
    (asked,) = peer.calls["Evaluate"]
    assert Proposal.parse(asked.proposed_transaction.SerializeToString()).header.timestamp_ms == 0


@pytest.mark.parametrize(
    ("failures", "accepted"),
    [
        ([], True),
        (["request unauthorized due to incorrect timestamp 2026-01-01, peer time 2026-01-02"], False),
    ],
)
def test_whether_the_peer_takes_our_time_is_found_by_a_question_dated_now(
    peer: LoopbackPeer, client: GatewayClient, failures: list[str], accepted: bool
) -> None:
    peer.failures["Evaluate"].extend(_status(grpc.StatusCode.FAILED_PRECONDITION, one) for one in failures)
    assert client.accepts_time("market.show") is accepted
    (asked,) = peer.calls["Evaluate"]
    dated = Proposal.parse(asked.proposed_transaction.SerializeToString()).header.timestamp_ms
    assert abs(dated - now_ms()) < 60_000


def test_a_peer_that_fails_otherwise_tells_nothing_of_its_window(peer: LoopbackPeer, client: GatewayClient) -> None:
    for asks in (client.checks_time, client.accepts_time):
        peer.failures["Evaluate"].append(_status(grpc.StatusCode.UNKNOWN, "access denied"))
        with pytest.raises(EvaluateError, match="access denied"):
            asks("market.show")


def test_a_transaction_is_endorsed_submitted_and_committed(peer: LoopbackPeer, client: GatewayClient) -> None:
    endorsed = client.endorse("trade.pay", ["intent", "{}"], endorsing_organisations=["PlatformMSP", "SupervisorMSP"])
    assert json.loads(endorsed.result)["args"] == ["intent", "{}"]
    assert list(peer.calls["Endorse"][0].endorsing_organizations) == ["PlatformMSP", "SupervisorMSP"]
    client.submit(endorsed.tx_id, endorsed.envelope)
    status = client.commit_status(endorsed.tx_id)
    assert status == CommitStatus(endorsed.tx_id, 1, 0)
    assert (status.valid, status.code_name) == (True, "VALID")
    status.check()
    (block,) = client.blocks(1, stop=1)
    (transaction,) = block.transactions
    assert (transaction.tx_id, transaction.function) == (endorsed.tx_id, "trade.pay")
    assert transaction.raw == endorsed.envelope


def test_the_transaction_id_is_known_before_anything_is_sent(peer: LoopbackPeer, client: GatewayClient) -> None:
    proposal = client.prepare("trade.pay", ["intent"], now_ms=1_700_000_000_123)
    assert not peer.calls
    assert proposal.header.timestamp_ms == 1_700_000_000_123
    assert client.endorse_proposal(proposal).tx_id == proposal.tx_id


def test_transient_data_is_seen_by_endorsers_and_stands_in_no_envelope(client: GatewayClient) -> None:
    named = ["PlatformMSP", "SupervisorMSP"]
    transient = {"opening": b"canary-81c2"}
    endorsed = client.endorse("listing.create", ["i"], transient=transient, endorsing_organisations=named)
    assert json.loads(endorsed.result)["transient"] == ["opening"]
    assert b"canary-81c2" not in endorsed.envelope


def test_transient_data_is_sent_nowhere_before_it_is_said_who_may_see_it(
    peer: LoopbackPeer, client: GatewayClient
) -> None:
    """A gateway left to choose would run it on its own peer, whoever's that is."""
    with pytest.raises(EndorseError, match="named") as caught:
        client.endorse("listing.create", ["i"], transient={"opening": b"canary-81c2"})
    assert (caught.value.code, caught.value.retry) == (ErrorCode.MALFORMED_REQUEST, Retry.NEVER)
    with pytest.raises(EndorseError, match="named"):
        client.endorse_proposal(client.prepare("listing.create", ["i"], {"opening": b"canary-81c2"}))
    assert not peer.calls


def test_the_outcome_is_waited_for(peer: LoopbackPeer, client: GatewayClient) -> None:
    peer.held = True
    endorsed = client.endorse("f")
    client.submit(endorsed.tx_id, endorsed.envelope)
    found: list[CommitStatus] = []
    waiter = threading.Thread(target=lambda: found.append(client.commit_status(endorsed.tx_id)))
    waiter.start()
    assert peer.hanging.wait(20)
    peer.release()
    waiter.join(20)
    assert [one.valid for one in found] == [True]


@pytest.mark.parametrize(
    ("code", "name", "error", "retry"),
    [
        (11, "MVCC_READ_CONFLICT", ErrorCode.CONFLICT, Retry.ANEW),
        (12, "PHANTOM_READ_CONFLICT", ErrorCode.CONFLICT, Retry.ANEW),
        (9, "DUPLICATE_TXID", ErrorCode.CONFLICT, Retry.ASK),
        (10, "ENDORSEMENT_POLICY_FAILURE", ErrorCode.ENDORSEMENT_FAILED, Retry.NEVER),
    ],
)
def test_an_invalid_transaction_is_told_apart_by_its_code(
    peer: LoopbackPeer, client: GatewayClient, code: int, name: str, error: ErrorCode, retry: Retry
) -> None:
    peer.codes.append(code)
    endorsed = client.endorse("f")
    client.submit(endorsed.tx_id, endorsed.envelope)
    status = client.commit_status(endorsed.tx_id)
    assert (status.valid, status.code_name) == (False, name)
    with pytest.raises(CommitError) as caught:
        status.check()
    assert (caught.value.tx_id, caught.value.code, caught.value.retry) == (endorsed.tx_id, error, retry)
    assert caught.value.validation_code == code


def test_the_same_bytes_may_be_sent_again(peer: LoopbackPeer, client: GatewayClient) -> None:
    endorsed = client.endorse("f")
    peer.failures["Submit"].append(_status(grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(SubmitError) as caught:
        client.submit(endorsed.tx_id, endorsed.envelope)
    assert (caught.value.code, caught.value.retry) == (ErrorCode.OUTCOME_UNKNOWN, Retry.OTHER)
    assert caught.value.tx_id == endorsed.tx_id
    client.submit(endorsed.tx_id, endorsed.envelope)
    assert client.commit_status(endorsed.tx_id).valid


# Refusals and failures


@pytest.mark.parametrize(("call", "kind"), [("evaluate", EvaluateError), ("endorse", EndorseError)])
def test_a_refusal_of_the_contract_comes_as_its_own_error(
    client: GatewayClient, call: str, kind: type[LedgerError]
) -> None:
    with pytest.raises(kind) as caught:
        getattr(client, call)("refuse")
    error = caught.value
    assert error.market_error is not None
    assert (error.market_error.code, error.market_error.detail) == (ErrorCode.WRONG_STATE, "not now")
    assert (error.code, error.detail, error.retry) == (ErrorCode.WRONG_STATE, "not now", Retry.NEVER)
    assert error.details[0].msp_id == "PlatformMSP"
    assert len(error.tx_id) == 64


def test_an_error_that_is_not_the_contracts_is_no_refusal(client: GatewayClient) -> None:
    with pytest.raises(EndorseError, match="KeyError") as caught:
        client.endorse("crash")
    assert caught.value.market_error is None
    assert caught.value.code is ErrorCode.ENDORSEMENT_FAILED


def test_a_refusal_is_found_among_what_several_endorsers_said(peer: LoopbackPeer, client: GatewayClient) -> None:
    refusal = MarketError(ErrorCode.ALREADY_RESERVED, "a, b\nc").to_json().decode()
    other = ErrorDetail("peer1:7051", "TraderMSP", "connection refused")
    status = chaincode_refusal(refusal, "SupervisorMSP")
    peer.failures["Endorse"].append(RpcStatus(status.code, status.message, (other, *status.details)))
    with pytest.raises(EndorseError) as caught:
        client.endorse("f")
    assert (caught.value.code, caught.value.detail) == (ErrorCode.ALREADY_RESERVED, "a, b\nc")
    assert [one.msp_id for one in caught.value.details] == ["TraderMSP", "SupervisorMSP"]


def test_a_query_refused_without_details_is_found_in_the_message(peer: LoopbackPeer, client: GatewayClient) -> None:
    refusal = MarketError(ErrorCode.NOT_FOUND, "x").to_json().decode()
    message = f"evaluate call to endorser returned error: chaincode response 500, {refusal}"
    peer.failures["Evaluate"].append(_status(grpc.StatusCode.UNKNOWN, message))
    with pytest.raises(EvaluateError) as caught:
        client.evaluate("f")
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_an_unknown_code_of_a_newer_contract_is_not_taken_for_ours(peer: LoopbackPeer, client: GatewayClient) -> None:
    peer.failures["Endorse"].append(chaincode_refusal('{"code":"from_the_future","detail":"x"}'))
    with pytest.raises(EndorseError, match="from_the_future") as caught:
        client.endorse("f")
    assert caught.value.market_error is None


@pytest.mark.parametrize(
    ("method", "status", "kind", "code", "retry"),
    [
        ("Evaluate", "UNAVAILABLE", UnavailableError, ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER),
        ("Evaluate", "ABORTED", UnavailableError, ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER),
        ("Evaluate", "INVALID_ARGUMENT", EvaluateError, ErrorCode.LEDGER_UNAVAILABLE, Retry.NEVER),
        ("Endorse", "UNAVAILABLE", UnavailableError, ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER),
        ("Endorse", "RESOURCE_EXHAUSTED", UnavailableError, ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER),
        ("Endorse", "CANCELLED", UnavailableError, ErrorCode.LEDGER_UNAVAILABLE, Retry.SAME),
        ("Endorse", "ABORTED", EndorseError, ErrorCode.ENDORSEMENT_FAILED, Retry.ANEW),
        ("Endorse", "FAILED_PRECONDITION", UnavailableError, ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER),
        ("Endorse", "PERMISSION_DENIED", EndorseError, ErrorCode.ENDORSEMENT_FAILED, Retry.NEVER),
        ("Submit", "DEADLINE_EXCEEDED", SubmitError, ErrorCode.OUTCOME_UNKNOWN, Retry.OTHER),
        ("Submit", "UNAVAILABLE", SubmitError, ErrorCode.OUTCOME_UNKNOWN, Retry.OTHER),
        ("Submit", "UNKNOWN", SubmitError, ErrorCode.OUTCOME_UNKNOWN, Retry.ASK),
        ("Submit", "ABORTED", SubmitError, ErrorCode.ENDORSEMENT_FAILED, Retry.NEVER),
        ("Submit", "INVALID_ARGUMENT", SubmitError, ErrorCode.ENDORSEMENT_FAILED, Retry.NEVER),
        ("Submit", "NOT_FOUND", SubmitError, ErrorCode.ENDORSEMENT_FAILED, Retry.NEVER),
        ("Submit", "FAILED_PRECONDITION", SubmitError, ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER),
        ("CommitStatus", "UNAVAILABLE", CommitStatusError, ErrorCode.OUTCOME_UNKNOWN, Retry.OTHER),
        ("CommitStatus", "ABORTED", CommitStatusError, ErrorCode.OUTCOME_UNKNOWN, Retry.OTHER),
        ("CommitStatus", "DEADLINE_EXCEEDED", CommitStatusError, ErrorCode.OUTCOME_UNKNOWN, Retry.SAME),
        ("CommitStatus", "PERMISSION_DENIED", CommitStatusError, ErrorCode.OUTCOME_UNKNOWN, Retry.NEVER),
        ("Deliver", "UNAVAILABLE", DeliverError, ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER),
    ],
)
def test_each_phase_has_its_error_and_says_what_may_follow(
    peer: LoopbackPeer,
    client: GatewayClient,
    method: str,
    status: str,
    kind: type[LedgerError],
    code: ErrorCode,
    retry: Retry,
) -> None:
    endorsed = client.endorse("f")
    calls: dict[str, Callable[[], Any]] = {
        "Evaluate": lambda: client.evaluate("f"),
        "Endorse": lambda: client.endorse("f"),
        "Submit": lambda: client.submit(endorsed.tx_id, endorsed.envelope),
        "CommitStatus": lambda: client.commit_status(endorsed.tx_id),
        "Deliver": lambda: list(client.blocks(0, stop=0)),
    }
    detail = ErrorDetail("peer0:7051", "TraderMSP", "said this")
    peer.failures[method].append(_status(grpc.StatusCode[status], "told so", detail))
    with pytest.raises(LedgerError, match=r"told so.*TraderMSP peer0:7051: said this") as caught:
        calls[method]()
    error = caught.value
    assert (type(error), error.code, error.retry, error.status) == (kind, code, retry, status)


def test_a_trailer_of_another_format_does_not_hide_the_status(peer: LoopbackPeer, client: GatewayClient) -> None:
    class Broken(RpcStatus):
        serialized = b"\xff\xff"  # type: ignore[assignment]  # stands in for the property

    peer.failures["Endorse"].append(Broken(14, "away", (ErrorDetail("a", "b", "c"),)))
    with pytest.raises(UnavailableError, match="UNAVAILABLE away"):
        client.endorse("f")


def test_every_call_has_a_deadline(peer: LoopbackPeer, client: GatewayClient) -> None:
    with pytest.raises(CommitStatusError) as caught:
        client.commit_status("ab" * 32, 0.2)
    assert (caught.value.status, caught.value.retry) == ("DEADLINE_EXCEEDED", Retry.SAME)
    assert caught.value.tx_id == "ab" * 32
    with pytest.raises(DeliverError, match="DEADLINE_EXCEEDED"):
        list(client.blocks(1, timeout=0.2))


def test_a_peer_that_is_away_is_unavailable(peer: LoopbackPeer) -> None:
    client = GatewayClient(peer.profile(gateway="127.0.0.1:1"), timeouts=TIMEOUTS)
    with pytest.raises(UnavailableError):
        client.evaluate("f")
    client.close()


def test_a_peer_with_another_tls_root_is_not_spoken_to(network: Network, peer: LoopbackPeer) -> None:
    client = GatewayClient(peer.profile(tls_ca_file=network.organisations["trader"].tls_ca_file), timeouts=TIMEOUTS)
    with pytest.raises(UnavailableError):
        client.evaluate("f")
    assert not peer.calls
    client.close()


def test_a_closed_client_opens_anew(client: GatewayClient) -> None:
    assert client.evaluate("f")
    client.close()
    assert client.evaluate("f")


def test_a_forked_process_gets_a_connection_of_its_own(
    client: GatewayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = client._gateways.first()
    before = attempt.services
    assert attempt.services is before
    monkeypatch.setattr("countermark.network.client.channels.os.getpid", lambda: -1)
    assert attempt.services is not before
    assert client.evaluate("f")


# A gateway that lies


def _other_transaction(lie: Callable[[Any], None]) -> Callable[[Any], Any]:
    def twist(message: Any) -> Any:
        lie(message.prepared_transaction)
        return message

    return twist


def _replace_payload(old: bytes, new: bytes) -> Callable[[Any], None]:
    def lie(envelope: Any) -> None:
        assert old in envelope.payload
        envelope.payload = envelope.payload.replace(old, new)

    return lie


@pytest.mark.parametrize(
    "lie",
    [
        _replace_payload(b"coin.mint", b"coin.burn"),
        _replace_payload(b"alice", b"mallo"),
        _replace_payload(b"market", b"souk--"),
        lambda envelope: envelope.ClearField("payload"),
        lambda envelope: envelope.__setattr__("payload", b"\xff"),
    ],
    ids=["function", "argument", "channel", "nothing", "rubbish"],
)
def test_a_gateway_cannot_have_another_transaction_signed(
    peer: LoopbackPeer, client: GatewayClient, lie: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.twists["Endorse"] = _other_transaction(lie)
    proposal = client.prepare("coin.mint", ["alice"])
    signed: list[bytes] = []
    monkeypatch.setattr(
        "countermark.network.client.transactions.sign_payload", lambda _, payload: signed.append(payload)
    )
    with pytest.raises(EndorseError, match="not this transaction") as caught:
        client.endorse_proposal(proposal)
    assert caught.value.tx_id == proposal.tx_id
    assert not signed


def test_a_gateway_cannot_answer_with_a_sound_transaction_of_another_proposal(
    peer: LoopbackPeer, client: GatewayClient
) -> None:
    replies: list[bytes] = []

    def first_answer_again(message: Any) -> Any:
        replies.append(message.prepared_transaction.payload)
        message.prepared_transaction.payload = replies[0]
        return message

    peer.twists["Endorse"] = first_answer_again
    client.endorse("coin.transfer", ["alice"])
    with pytest.raises(EndorseError, match="wrong_transaction"):
        client.endorse("coin.transfer", ["bob"])


def test_the_channel_and_chaincode_are_those_of_the_profile(peer: LoopbackPeer, client: GatewayClient) -> None:
    client.evaluate("f")
    (request,) = peer.calls["Evaluate"]
    proposal = client.prepare("f")
    assert (request.channel_id, proposal.header.channel, proposal.invocation.chaincode) == (
        CHANNEL,
        CHANNEL,
        CHAINCODE,
    )
    assert encode(request.proposed_transaction) != proposal.serialized
