"""Private data as a peer delivers them with its blocks, to whoever of its organisation asks."""

from fabric_protos.common import common_pb2

from countermark.network.client import GatewayClient
from countermark.network.envelopes import Seek, build_seek
from tests.support.clock import now_ms


def delivered_private_data(peer: GatewayClient, last: int) -> bytes:
    """Return the private data of the blocks 0 to `last`, as `DeliverWithPrivateData` gives them."""
    envelope = build_seek(peer.identity, peer.profile.channel, Seek(0, last), now_ms=now_ms())
    wire = common_pb2.Envelope(payload=envelope.payload, signature=envelope.signature)
    deliver = peer._gateways.first().services.deliver
    written = []
    for response in deliver.DeliverWithPrivateData(iter((wire,)), timeout=60):
        if response.WhichOneof("Type") == "block_and_private_data":
            private = response.block_and_private_data.private_data_map
            written += [private[position].SerializeToString() for position in sorted(private)]
    return b"\n".join(written)
