"""One peer's Endorser service, for what concerns that peer alone."""

from collections.abc import Sequence

import grpc
from fabric_protos.peer import peer_pb2_grpc, proposal_pb2

from countermark.network.envelopes import build_proposal
from countermark.network.identities import SigningIdentity
from tests.support.clock import now_ms
from tests.support.fabric.topology import Node
from tests.support.processes import WAIT_S


def ask(peer: Node, chaincode: str, args: Sequence[bytes]) -> bytes:
    """Call a system chaincode of `peer` as its organisation's administrator; a starting peer is waited for."""
    proposal = build_proposal(_administrator(peer), "", chaincode, args, now_ms=now_ms())
    signed = proposal_pb2.SignedProposal(proposal_bytes=proposal.proposal_bytes, signature=proposal.signature)
    credentials = grpc.ssl_channel_credentials(peer.organisation.tls_ca_file.read_bytes())
    with grpc.secure_channel(peer.address("peer"), credentials) as channel:
        answer = peer_pb2_grpc.EndorserStub(channel).ProcessProposal(signed, timeout=WAIT_S, wait_for_ready=True)
    assert answer.response.status == 200, answer.response.message
    return bytes(answer.response.payload)


def _administrator(peer: Node) -> SigningIdentity:
    return peer.organisation.identity("admin")
