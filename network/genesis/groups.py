"""The tree of a channel's configuration: Channel, with Application and Orderer below it, and organisations below.

Capabilities are those of Fabric 3: Channel V3_0 (which wants orderer endpoints per organisation, none globally),
Orderer V2_0, Application V2_5.
"""

from collections.abc import Sequence
from typing import Any

from fabric_protos.common import configtx_pb2, configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.peer import configuration_pb2 as peer_pb2

from countermark.network.genesis.consensus import set_consensus
from countermark.network.genesis.definition import (
    Batch,
    ChannelDefinition,
    Endpoint,
    OrdererOrganisation,
    PeerOrganisation,
)
from countermark.network.genesis.elements import ADMINS, set_value
from countermark.network.genesis.msps import msp_message
from countermark.network.genesis.policies import (
    BLOCK_VALIDATION,
    ENDORSEMENT,
    LIFECYCLE_ENDORSEMENT,
    WRITERS,
    set_group_policies,
    set_orderer_organisation_policies,
    set_peer_organisation_policies,
)

_WHOLE_BLOCK = 2**32 - 1


def channel_group(definition: ChannelDefinition) -> Any:
    """Return the root of the configuration (common.ConfigGroup)."""
    group = _group()
    set_group_policies(group)
    set_value(group, "HashingAlgorithm", configuration_pb2.HashingAlgorithm(name="SHA256"))
    set_value(group, "BlockDataHashingStructure", configuration_pb2.BlockDataHashingStructure(width=_WHOLE_BLOCK))
    _capability(group, "V3_0")
    group.groups["Application"].CopyFrom(_application(definition))
    group.groups["Orderer"].CopyFrom(_orderer(definition))
    return group


def _application(definition: ChannelDefinition) -> Any:
    group = _group()
    majority = ("MAJORITY", ENDORSEMENT)
    set_group_policies(group, **{ENDORSEMENT: majority, LIFECYCLE_ENDORSEMENT: majority})
    _capability(group, "V2_5")
    for organisation in definition.organisations:
        group.groups[organisation.msp.msp_id].CopyFrom(peer_organisation_group(organisation))
    return group


def peer_organisation_group(organisation: PeerOrganisation) -> Any:
    """Return the group of an organisation that runs peers, as it stands in Application (common.ConfigGroup)."""
    group = _group()
    set_peer_organisation_policies(group, organisation.msp.msp_id)
    set_value(group, "MSP", msp_message(organisation.msp))
    if organisation.anchor_peers:
        set_value(group, "AnchorPeers", anchor_peers(organisation.anchor_peers))
    return group


def _orderer(definition: ChannelDefinition) -> Any:
    group = _group()
    set_group_policies(group, **{BLOCK_VALIDATION: ("ANY", WRITERS)})
    set_batch(group, definition.batch)
    set_value(group, "ChannelRestrictions", orderer_pb2.ChannelRestrictions())
    set_consensus(group, definition.consensus, definition.consenters)
    _capability(group, "V2_0")
    for organisation in definition.orderers:
        group.groups[organisation.msp.msp_id].CopyFrom(orderer_organisation_group(organisation))
    return group


def orderer_organisation_group(organisation: OrdererOrganisation) -> Any:
    """Return the group of an organisation that runs orderers, as it stands in Orderer (common.ConfigGroup)."""
    group = _group()
    set_orderer_organisation_policies(group, organisation.msp.msp_id)
    set_value(group, "MSP", msp_message(organisation.msp))
    set_value(group, "Endpoints", orderer_addresses(organisation.endpoints))
    return group


def set_batch(orderer: Any, batch: Batch) -> None:
    """Have the group `orderer` say when a block is cut."""
    size = orderer_pb2.BatchSize(
        max_message_count=batch.max_messages,
        absolute_max_bytes=batch.absolute_max_bytes,
        preferred_max_bytes=batch.preferred_max_bytes,
    )
    set_value(orderer, "BatchSize", size)
    set_value(orderer, "BatchTimeout", orderer_pb2.BatchTimeout(timeout=f"{batch.timeout_ms}ms"))


def anchor_peers(endpoints: Sequence[Endpoint]) -> Any:
    """Return `endpoints` as protos.AnchorPeers."""
    anchors = [peer_pb2.AnchorPeer(host=one.host, port=one.port) for one in endpoints]
    return peer_pb2.AnchorPeers(anchor_peers=anchors)


def orderer_addresses(endpoints: Sequence[Endpoint]) -> Any:
    """Return `endpoints` as common.OrdererAddresses."""
    return configuration_pb2.OrdererAddresses(addresses=[str(endpoint) for endpoint in endpoints])


def _group() -> Any:
    return configtx_pb2.ConfigGroup(mod_policy=ADMINS)


def _capability(group: Any, name: str) -> None:
    capabilities = configuration_pb2.Capabilities(capabilities={name: configuration_pb2.Capability()})
    set_value(group, "Capabilities", capabilities)
