"""The embedded peer as clients of another make meet it, who collect endorsements and broadcast themselves.

They are played by Fabric's generated stubs; nothing of our own client but the building of messages is used.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.orderer import ab_pb2_grpc
from fabric_protos.peer import events_pb2_grpc, peer_pb2_grpc, proposal_pb2, query_pb2, transaction_pb2

from countermark.network.blocks import parse_block
from countermark.network.client import GatewayClient
from countermark.network.envelopes import (
    Endorsement,
    Envelope,
    Proposal,
    Seek,
    assemble,
    build_proposal,
    build_seek,
    sign_payload,
)
from countermark.network.identities import SigningIdentity
from tests.support.embedded import EmbeddedNetwork, embedded_network

CHANNEL = "market"
CHAINCODE = "countermark"
SUCCESS = common_pb2.SUCCESS


class Foreign:
    """A member of one organisation with stubs for the peers of all."""

    def __init__(self, network: EmbeddedNetwork, organisation: str, member: str = "gateway") -> None:
        self.identity: SigningIdentity = network.material.organisation(organisation).identity(member)
        self._stack = ExitStack()
        self.peers: dict[str, Any] = {}
        for name in ("platform", "supervisor", "trader"):
            profile = network.profile(name)
            credentials = grpc.ssl_channel_credentials(profile.tls_ca())
            options = [("grpc.ssl_target_name_override", profile.host_override)]
            channel = grpc.secure_channel(profile.gateway, credentials, options=options)
            self.peers[name] = self._stack.enter_context(channel)

    def close(self) -> None:
        self._stack.close()

    def propose(
        self, function: str, *args: bytes | str, chaincode: str = CHAINCODE, channel: str = CHANNEL, **more: Any
    ) -> Proposal:
        words = [one.encode() if isinstance(one, str) else one for one in (function, *args)]
        now_ms = more.pop("now_ms", time.time_ns() // 1_000_000)
        return build_proposal(self.identity, channel, chaincode, words, now_ms=now_ms, **more)

    def ask(self, proposal: Proposal, organisation: str = "platform") -> Any:
        signed = proposal_pb2.SignedProposal(proposal_bytes=proposal.proposal_bytes, signature=proposal.signature)
        return peer_pb2_grpc.EndorserStub(self.peers[organisation]).ProcessProposal(signed, timeout=10)

    def system(self, chaincode: str, function: str, *args: bytes | str, channel: str = CHANNEL) -> Any:
        return self.ask(self.propose(function, *args, chaincode=chaincode, channel=channel))

    def endorsed(self, proposal: Proposal, organisations: Sequence[str]) -> Envelope:
        answers = [self.ask(proposal, one) for one in organisations]
        endorsements = [Endorsement(one.endorsement.endorser, one.endorsement.signature) for one in answers]
        assert len({one.payload for one in answers}) == 1
        return sign_payload(self.identity, assemble(proposal, answers[0].payload, endorsements))

    def broadcast(self, *envelopes: Any) -> list[Any]:
        stub = ab_pb2_grpc.AtomicBroadcastStub(self.peers["supervisor"])
        wire = [
            common_pb2.Envelope(payload=one.payload, signature=one.signature) if isinstance(one, Envelope) else one
            for one in envelopes
        ]
        return list(stub.Broadcast(iter(wire), timeout=10))

    def with_private_data(self, organisation: str, number: int) -> Any:
        envelope = build_seek(self.identity, CHANNEL, Seek(number, number), now_ms=time.time_ns() // 1_000_000)
        wire = common_pb2.Envelope(payload=envelope.payload, signature=envelope.signature)
        stub = events_pb2_grpc.DeliverStub(self.peers[organisation])
        first, last = stub.DeliverWithPrivateData(iter((wire,)), timeout=10)
        assert last.status == SUCCESS
        return first.block_and_private_data


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNetwork]:
    with embedded_network(tmp_path_factory.mktemp("network")) as network:
        yield network


@pytest.fixture(scope="module")
def platform(network: EmbeddedNetwork) -> GatewayClient:
    return network.client("platform")


@pytest.fixture(scope="module")
def foreign(network: EmbeddedNetwork) -> Iterator[Foreign]:
    foreign = Foreign(network, "trader")
    yield foreign
    foreign.close()


@pytest.fixture(scope="module")
def insider(network: EmbeddedNetwork) -> Iterator[Foreign]:
    """Of an organisation that holds the private collection."""
    insider = Foreign(network, "platform")
    yield insider
    insider.close()


def test_a_transaction_that_its_client_endorsed_and_broadcast_itself_commits(
    foreign: Foreign, platform: GatewayClient
) -> None:
    proposal = foreign.propose("put", "foreign", "1")
    envelope = foreign.endorsed(proposal, ["platform", "supervisor"])
    (answer,) = foreign.broadcast(envelope)
    assert answer.status == SUCCESS
    platform.commit_status(proposal.tx_id).check()
    assert platform.evaluate("get", ["foreign"]) == b"1"


def test_one_organisation_s_endorsement_is_not_enough(foreign: Foreign, platform: GatewayClient) -> None:
    proposal = foreign.propose("put", "alone", "1")
    foreign.broadcast(foreign.endorsed(proposal, ["platform"]))
    assert platform.commit_status(proposal.tx_id).code_name == "ENDORSEMENT_POLICY_FAILURE"
    assert platform.evaluate("get", ["alone"]) == b""


def test_a_chaincode_s_refusal_is_answered_without_endorsement(foreign: Foreign) -> None:
    answer = foreign.ask(foreign.propose("no such function"))
    assert answer.response.status >= 400
    assert not answer.HasField("endorsement")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"now_ms": 1_000_000_000_000}, "incorrect timestamp"),
        ({"chaincode": "other"}, "chaincode other not found"),
    ],
)
def test_a_proposal_that_may_not_run_ends_the_call(foreign: Foreign, change: dict[str, Any], said: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        foreign.ask(foreign.propose("get", "a", **change))
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    assert said in caught.value.details()


def test_another_channel_is_answered_as_fabric_does(foreign: Foreign) -> None:
    answer = foreign.ask(foreign.propose("get", "a", channel="other"))
    assert (answer.response.status, answer.response.message) == (500, "channel 'other' not found")


def test_a_used_transaction_id_is_refused(foreign: Foreign, platform: GatewayClient) -> None:
    proposal = foreign.propose("put", "twice", "1")
    foreign.broadcast(foreign.endorsed(proposal, ["platform", "supervisor"]))
    platform.commit_status(proposal.tx_id).check()
    with pytest.raises(grpc.RpcError, match="duplicate transaction found"):
        foreign.ask(proposal)


def test_a_stranger_gets_nothing_endorsed(foreign: Foreign) -> None:
    proposal = foreign.propose("put", "forged", "1")
    signed = proposal_pb2.SignedProposal(proposal_bytes=proposal.proposal_bytes, signature=b"0" * 70)
    with pytest.raises(grpc.RpcError, match="error validating proposal"):
        peer_pb2_grpc.EndorserStub(foreign.peers["platform"]).ProcessProposal(signed, timeout=10)


def test_a_peer_may_not_propose_but_may_read_blocks(network: EmbeddedNetwork) -> None:
    peer = Foreign(network, "trader", "peer0")
    with pytest.raises(grpc.RpcError, match="may not do this"):
        peer.ask(peer.propose("get", "a"))
    assert peer.system("qscc", "GetChainInfo", CHANNEL).response.status == 200
    peer.close()


def test_orderers_refuse_what_is_no_transaction_and_end_the_stream(foreign: Foreign) -> None:
    good = foreign.endorsed(foreign.propose("put", "after", "1"), ["platform", "supervisor"])
    seek = build_seek(foreign.identity, CHANNEL, Seek(0, 0), now_ms=time.time_ns() // 1_000_000)
    tampered = common_pb2.Envelope(payload=good.payload, signature=good.signature[:-1] + b"0")
    elsewhere = foreign.propose("put", "a", "1", channel="other")
    other = sign_payload(foreign.identity, assemble(elsewhere, b"", []))
    for refused, status in (
        (seek, "BAD_REQUEST"),
        (common_pb2.Envelope(), "BAD_REQUEST"),
        (tampered, "FORBIDDEN"),
        (other, "NOT_FOUND"),
    ):
        answers = foreign.broadcast(refused, good)
        assert [common_pb2.Status.Name(one.status) for one in answers] == [status]
        assert answers[0].info


def test_qscc_tells_of_blocks_and_transactions(foreign: Foreign, platform: GatewayClient) -> None:
    proposal = foreign.propose("put", "queried", "1")
    foreign.broadcast(foreign.endorsed(proposal, ["platform", "supervisor"]))
    number = platform.commit_status(proposal.tx_id).block_number
    info = ledger_pb2.BlockchainInfo.FromString(foreign.system("qscc", "GetChainInfo", CHANNEL).response.payload)
    newest = parse_block(foreign.system("qscc", "GetBlockByNumber", CHANNEL, str(info.height - 1)).response.payload)
    assert (newest.number, newest.header_hash) == (info.height - 1, info.currentBlockHash)
    assert newest.previous_hash == info.previousBlockHash
    of_transaction = foreign.system("qscc", "GetBlockByTxID", CHANNEL, proposal.tx_id).response.payload
    block = parse_block(of_transaction)
    assert block.number == number
    by_hash = foreign.system("qscc", "GetBlockByHash", CHANNEL, block.header_hash).response.payload
    assert by_hash == of_transaction
    processed = transaction_pb2.ProcessedTransaction.FromString(
        foreign.system("qscc", "GetTransactionByID", CHANNEL, proposal.tx_id).response.payload
    )
    assert processed.validationCode == 0
    assert Envelope.parse(processed.transactionEnvelope.SerializeToString()).header.tx_id == proposal.tx_id


def test_an_answer_of_the_peer_s_own_chaincode_is_endorsed_as_fabric_s_are(foreign: Foreign) -> None:
    answer = foreign.system("qscc", "GetChainInfo", CHANNEL)
    Endorsement(answer.endorsement.endorser, answer.endorsement.signature).verify(answer.payload)


def test_cscc_names_the_channel_and_its_configuration(foreign: Foreign) -> None:
    channels = query_pb2.ChannelQueryResponse.FromString(
        foreign.system("cscc", "GetChannels", channel="").response.payload
    )
    assert [one.channel_id for one in channels.channels] == [CHANNEL]
    config = parse_block(foreign.system("cscc", "GetConfigBlock", CHANNEL).response.payload)
    assert (config.number, config.transactions[0].kind) == (0, "config")


@pytest.mark.parametrize(
    ("chaincode", "args", "said"),
    [
        ("qscc", ("GetEverything", CHANNEL), "Requested function GetEverything not found"),
        ("qscc", ("GetChainInfo",), "Incorrect number of arguments"),
        ("qscc", ("GetChainInfo", "other"), "Invalid chain ID, other"),
        ("qscc", ("GetBlockByNumber", CHANNEL), "missing 3rd argument"),
        ("qscc", ("GetBlockByNumber", CHANNEL, "one"), "Failed to parse block number"),
        ("qscc", ("GetBlockByNumber", CHANNEL, "1000000000"), "no_such_block"),
        ("qscc", ("GetBlockByHash", CHANNEL, b"\xff"), "no such block hash"),
        ("qscc", ("GetTransactionByID", CHANNEL, b"\xff"), "no such transaction ID"),
        ("cscc", ("JoinChain", CHANNEL), "Requested function JoinChain not found"),
    ],
)
def test_a_question_without_an_answer_is_refused(
    foreign: Foreign, chaincode: str, args: tuple[bytes | str, ...], said: str
) -> None:
    response = foreign.system(chaincode, *args).response  # type: ignore[arg-type] # the function's name comes first
    assert response.status == 500
    assert said in response.message


def test_private_data_come_with_blocks_to_members_from_members_only(
    foreign: Foreign, insider: Foreign, platform: GatewayClient
) -> None:
    proposal = insider.propose("put_private", "secret", transient={"value": b"the value"})
    insider.broadcast(insider.endorsed(proposal, ["platform", "supervisor"]))
    number = platform.commit_status(proposal.tx_id).block_number

    def private(who: Foreign, organisation: str) -> dict[str, bytes]:
        message = who.with_private_data(organisation, number)
        assert message.block.header.number == number
        return {
            write.key: write.value
            for data in message.private_data_map.values()
            for namespace in data.ns_pvt_rwset
            for collection in namespace.collection_pvt_rwset
            for write in kv_rwset_pb2.KVRWSet.FromString(collection.rwset).writes
        }

    assert private(insider, "platform") == private(insider, "supervisor") == {"secret": b"the value"}
    assert private(insider, "trader") == {}
    assert private(foreign, "platform") == private(foreign, "trader") == {}
    purge = insider.propose("purge_private", "secret")
    insider.broadcast(insider.endorsed(purge, ["platform", "supervisor"]))
    platform.commit_status(purge.tx_id).check()
    assert private(insider, "platform") == {}
