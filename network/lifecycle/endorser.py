"""One peer's Endorser service, for what concerns that peer alone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc
from fabric_protos.peer import peer_pb2_grpc, proposal_pb2

from countermark.network.envelopes import build_proposal
from countermark.network.identities import SigningIdentity
from countermark.network.lifecycle.errors import LifecycleError

_OPTIONS = (("grpc.max_receive_message_length", 100 << 20), ("grpc.max_send_message_length", 100 << 20))
_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class PeerAccess:
    """How an organisation's administrator reaches one of its peers."""

    address: str
    """host:port."""
    host_override: str
    """Name in the peer's TLS certificate, where it is not the host; else empty."""
    tls_ca: bytes = field(repr=False)
    """Certificates (PEM) that the peer's TLS certificate chains to."""
    administrator: SigningIdentity = field(repr=False)


def ask(
    peer: PeerAccess, chaincode: str, args: Sequence[bytes], *, channel: str = "", timeout_s: float = _WAIT_S
) -> bytes:
    """Call a system chaincode of `peer` and return its answer; a starting peer is waited for.

    Raises:
        LifecycleError: `unreachable`, or `refused` with what the peer said.
    """
    now_ms = time.time_ns() // 1_000_000
    proposal = build_proposal(peer.administrator, channel, chaincode, args, now_ms=now_ms)
    signed = proposal_pb2.SignedProposal(proposal_bytes=proposal.proposal_bytes, signature=proposal.signature)
    override = (("grpc.ssl_target_name_override", peer.host_override),) if peer.host_override else ()
    credentials = grpc.ssl_channel_credentials(peer.tls_ca)
    try:
        with grpc.secure_channel(peer.address, credentials, (*_OPTIONS, *override)) as connection:
            stub = peer_pb2_grpc.EndorserStub(connection)
            answer = stub.ProcessProposal(signed, timeout=timeout_s, wait_for_ready=True)
    except grpc.RpcError as error:
        raise LifecycleError("unreachable", f"{peer.address}: {error.code().name} {error.details()}") from error
    if answer.response.status != 200:
        raise LifecycleError("refused", f"{peer.address}: {answer.response.message}")
    return bytes(answer.response.payload)
