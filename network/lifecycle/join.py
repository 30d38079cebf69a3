"""A peer joins a channel, and says which it has joined."""

from fabric_protos.peer import query_pb2

from countermark.network.envelopes.wire import decode
from countermark.network.lifecycle.endorser import PeerAccess, ask


def channels(peer: PeerAccess, *, timeout_s: float = 30.0) -> set[str]:
    """Return the names of the channels that `peer` follows.

    Raises:
        LifecycleError: It did not say.
    """
    answer = ask(peer, "cscc", [b"GetChannels"], timeout_s=timeout_s)
    response = decode(query_pb2.ChannelQueryResponse, answer, "channels of a peer")
    return {one.channel_id for one in response.channels}


def join(peer: PeerAccess, genesis: bytes) -> None:
    """Have `peer` follow the channel that begins with the block `genesis`.

    Raises:
        LifecycleError: It refused.
    """
    ask(peer, "cscc", [b"JoinChain", genesis])
