"""Proposals, endorsements and transactions: round trips, and the ways in which parts may not belong together."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2, transaction_pb2
from google.protobuf import any_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from countermark.network.envelopes import (
    FOREVER,
    ChaincodeEvent,
    Edge,
    EndorsedTransaction,
    Endorsement,
    Envelope,
    ErrorDetail,
    Header,
    HeaderType,
    Outcome,
    Proposal,
    Response,
    ResponsePayload,
    RpcStatus,
    Seek,
    assemble,
    build_header,
    build_payload,
    build_response_payload,
    build_seek,
    endorse,
    sign_payload,
)
from countermark.network.errors import EnvelopeError, IdentityError, NetworkError, SignatureError
from tests.unit.network.consortium import CHAINCODE, CHANNEL, Network, now_ms


def test_a_proposal_comes_back_as_it_was(network: Network) -> None:
    proposal = network.propose("trade.pay", b"intent", b"{}")
    again = Proposal.parse(proposal.serialized)
    assert again == proposal
    again.verify_signature()
    assert again.invocation.function == "trade.pay"
    assert again.transient == {"s": b"x"}
    assert again.header.channel == CHANNEL
    assert again.header.chaincode == CHAINCODE


def test_the_transaction_id_is_the_hash_of_nonce_and_creator(network: Network) -> None:
    header = network.propose().header
    assert header.tx_id == hashlib.sha256(header.nonce + header.creator).hexdigest()
    assert network.propose().tx_id != network.propose().tx_id


def test_the_proposal_hash_leaves_the_transient_map_out(network: Network) -> None:
    proposal = network.propose("f", b"a")
    wire = proposal_pb2.Proposal.FromString(proposal.proposal_bytes)
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(wire.payload)
    payload.TransientMap["s"] = b"other"
    wire.payload = payload.SerializeToString()
    other = Proposal.parse(
        proposal_pb2.SignedProposal(proposal_bytes=wire.SerializeToString(), signature=b"-").SerializeToString()
    )
    assert other.transient == {"s": b"other"}
    assert other.hash == proposal.hash
    with pytest.raises(SignatureError):
        other.verify_signature()


def test_secrets_are_not_shown(network: Network) -> None:
    assert "transient" not in repr(network.propose())


def test_a_transaction_comes_back_as_it_was(network: Network) -> None:
    proposal = network.propose("trade.pay", b"intent")
    envelope = Envelope.parse(network.transaction(proposal))
    envelope.verify_signature()
    transaction = EndorsedTransaction.parse(envelope)
    transaction.check_binding()
    assert transaction.header == proposal.header
    assert transaction.invocation == proposal.invocation
    assert transaction.response.outcome.response.payload == b"answer"
    assert transaction.response.outcome.event == ChaincodeEvent(CHAINCODE, proposal.tx_id, "trade.pay", b"{}")
    msp_ids = [one.verify(transaction.response.serialized).msp_id for one in transaction.endorsements]
    assert msp_ids == ["PlatformMSP", "SupervisorMSP"]
    assert Envelope.parse(envelope.serialized) == envelope


def test_transient_data_never_reaches_the_envelope(network: Network) -> None:
    canary = b"canary-7f3a"
    proposal = network.propose("listing.create", b"intent")
    secret = dataclasses.replace(proposal, transient={"opening": canary})
    assert canary not in network.transaction(secret)


def test_an_endorsement_is_for_one_result_and_one_endorser(network: Network) -> None:
    proposal = network.propose()
    outcome = Outcome(Response(200, b"a"), b"", CHAINCODE)
    payload = build_response_payload(proposal, outcome).serialized
    other = build_response_payload(proposal, dataclasses.replace(outcome, results=b"\x08\x00")).serialized
    endorsement = endorse(network.peer("platform"), payload)
    assert endorsement.verify(payload).msp_id == "PlatformMSP"
    with pytest.raises(SignatureError):
        endorsement.verify(other)
    with pytest.raises(SignatureError):
        Endorsement(network.peer("trader").serialized, endorsement.signature).verify(payload)


def test_endorsements_of_another_proposal_do_not_bind(network: Network) -> None:
    mine, other = network.propose("f", b"1"), network.propose("f", b"2")
    payload = build_response_payload(other, Outcome(Response(200), b"", CHAINCODE)).serialized
    endorsement = endorse(network.peer("supervisor"), payload)
    envelope = sign_payload(network.client(), assemble(mine, payload, [endorsement]))
    with pytest.raises(EnvelopeError, match="proposal_hash_mismatch"):
        EndorsedTransaction.parse(envelope).check_binding()


@pytest.mark.parametrize(
    ("outcome_chaincode", "event_tx", "event_chaincode", "code"),
    [
        ("other", None, CHAINCODE, "chaincode_mismatch"),
        (CHAINCODE, "0" * 64, CHAINCODE, "event_mismatch"),
        (CHAINCODE, None, "other", "event_mismatch"),
    ],
)
def test_an_outcome_of_another_chaincode_or_transaction_does_not_bind(
    network: Network, outcome_chaincode: str, event_tx: str | None, event_chaincode: str, code: str
) -> None:
    proposal = network.propose()
    event = ChaincodeEvent(event_chaincode, event_tx or proposal.tx_id, "e", b"")
    outcome = Outcome(Response(200), b"", outcome_chaincode, event=event)
    payload = build_response_payload(proposal, outcome).serialized
    envelope = sign_payload(network.client(), assemble(proposal, payload, []))
    with pytest.raises(EnvelopeError, match=code):
        EndorsedTransaction.parse(envelope).check_binding()


def test_a_transaction_id_of_ones_own_choice_is_refused(network: Network) -> None:
    proposal = network.propose()
    channel = common_pb2.ChannelHeader.FromString(proposal.header.channel_header)
    channel.tx_id = "ab" * 32
    header = Header.of(channel.SerializeToString(), proposal.header.signature_header)
    with pytest.raises(EnvelopeError, match="bad_tx_id"):
        header.check_tx_id()
    wire = proposal_pb2.Proposal.FromString(proposal.proposal_bytes)
    wire.header = header.serialized
    signed = proposal_pb2.SignedProposal(proposal_bytes=wire.SerializeToString(), signature=b"-")
    with pytest.raises(EnvelopeError, match="bad_tx_id"):
        Proposal.parse(signed.SerializeToString())


def test_header_and_invocation_must_name_the_same_chaincode(network: Network) -> None:
    proposal = network.propose()
    other = build_header(
        network.client(), HeaderType.ENDORSER_TRANSACTION, CHANNEL, now_ms=now_ms(), chaincode="lscc"
    )
    wire = proposal_pb2.Proposal.FromString(proposal.proposal_bytes)
    wire.header = other.serialized
    signed = proposal_pb2.SignedProposal(proposal_bytes=wire.SerializeToString(), signature=b"-")
    with pytest.raises(EnvelopeError, match="chaincode_mismatch"):
        Proposal.parse(signed.SerializeToString())


@pytest.mark.parametrize("actions", [0, 2])
def test_a_transaction_has_exactly_one_action(network: Network, actions: int) -> None:
    envelope = Envelope.parse(network.transaction(network.propose()))
    wire = transaction_pb2.Transaction.FromString(envelope.data)
    several = transaction_pb2.Transaction(actions=[wire.actions[0]] * actions)
    payload = build_payload(envelope.header, several.SerializeToString())
    with pytest.raises(EnvelopeError, match="bad_action_count"):
        EndorsedTransaction.parse(sign_payload(network.client(), payload))


@pytest.mark.parametrize(("field", "value", "code"), [("type", 99, "unknown_header_type"), ("epoch", 1, "bad_epoch")])
def test_headers_that_fabric_does_not_know_are_refused(network: Network, field: str, value: int, code: str) -> None:
    header = network.propose().header
    channel = common_pb2.ChannelHeader.FromString(header.channel_header)
    setattr(channel, field, value)
    with pytest.raises(EnvelopeError, match=code):
        Header.of(channel.SerializeToString(), header.signature_header)


def test_nobody_signs_for_another(network: Network) -> None:
    payload = Envelope.parse(network.transaction(network.propose())).payload
    with pytest.raises(EnvelopeError, match="creator_mismatch"):
        sign_payload(network.client("trader"), payload)


@pytest.mark.parametrize(
    "seek",
    [
        Seek(0),
        Seek(7, 9, wait=False),
        Seek(Edge.OLDEST, Edge.NEWEST),
        Seek(Edge.NEWEST, FOREVER),
        Seek(Edge.NEXT_COMMIT, FOREVER),
    ],
)
def test_a_request_for_blocks_comes_back_as_it_was(network: Network, seek: Seek) -> None:
    envelope = build_seek(network.client(), CHANNEL, seek, now_ms=now_ms(), tls_cert_hash=b"h" * 32)
    again = Envelope.parse(envelope.serialized)
    again.verify_signature()
    assert Seek.parse(again) == seek
    assert again.header.tls_cert_hash == b"h" * 32


def test_a_request_without_start_is_refused(network: Network) -> None:
    header = build_header(network.client(), HeaderType.DELIVER_SEEK_INFO, CHANNEL, now_ms=now_ms())
    with pytest.raises(EnvelopeError, match="malformed_seek"):
        Seek.parse(sign_payload(network.client(), build_payload(header, b"")))


def test_error_details_come_back_and_foreign_ones_are_left_out() -> None:
    status = RpcStatus(10, "aborted", (ErrorDetail("a:1", "AMSP", "no"), ErrorDetail("b:2", "BMSP", "ñ")))
    assert RpcStatus.parse(status.serialized) == status
    foreign = any_pb2.Any()
    foreign.Pack(gateway_pb2.SubmitResponse())
    extra = foreign.SerializeToString()
    assert RpcStatus.parse(status.serialized + b"\x1a" + bytes([len(extra)]) + extra) == status


_PARSERS = [Proposal.parse, Envelope.parse, ResponsePayload.parse, RpcStatus.parse, Header.parse]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(_PARSERS))
def test_any_bytes_parse_or_give_our_error(data: bytes, parse: Callable[[bytes], object]) -> None:
    with contextlib.suppress(NetworkError):
        parse(data)


@pytest.fixture(scope="module")
def signed(network: Network) -> bytes:
    return network.transaction(network.propose("trade.pay", b"intent"))


@settings(max_examples=150, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_a_flipped_bit_never_passes_for_the_signed_transaction(signed: bytes, place: float, bit: int) -> None:
    flipped = bytearray(signed)
    flipped[int(place * len(signed))] ^= 1 << bit
    try:
        envelope = Envelope.parse(bytes(flipped))
        envelope.verify_signature()
    except (EnvelopeError, IdentityError, SignatureError):
        return
    # Only the way in which protobuf writes the outer message may differ, never what is signed.
    assert envelope.payload == Envelope.parse(signed).payload
