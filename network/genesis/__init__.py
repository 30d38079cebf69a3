"""The configuration block that starts a channel, the same for the embedded peer and for Fabric's own."""

from countermark.network.genesis.block import genesis_block, network_id
from countermark.network.genesis.definition import (
    Batch,
    Bft,
    ChannelDefinition,
    Consenter,
    Endpoint,
    OrdererOrganisation,
    PeerOrganisation,
    Raft,
)

__all__ = [
    "Batch",
    "Bft",
    "ChannelDefinition",
    "Consenter",
    "Endpoint",
    "OrdererOrganisation",
    "PeerOrganisation",
    "Raft",
    "genesis_block",
    "network_id",
]
