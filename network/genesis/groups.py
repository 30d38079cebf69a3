"""The tree of a channel's configuration: Channel, with Application and Orderer below it, and organisations below.

Capabilities are those of Fabric 3: Channel V3_0 (which wants orderer endpoints per organisation, none globally),
Orderer V2_0, Application V2_5.
"""

from typing import Any

from fabric_protos.common import configtx_pb2, configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
from fabric_protos.peer import configuration_pb2 as peer_pb2
from google.protobuf.message import Message

from countermark.network.envelopes.wire import encode
from countermark.network.genesis.definition import ChannelDefinition, OrdererOrganisation, PeerOrganisation
from countermark.network.genesis.msps import msp_message
from countermark.network.genesis.policies import (
    ADMINS,
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
    _value(group, "HashingAlgorithm", configuration_pb2.HashingAlgorithm(name="SHA256"))
    _value(group, "BlockDataHashingStructure", configuration_pb2.BlockDataHashingStructure(width=_WHOLE_BLOCK))
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
        group.groups[organisation.msp.msp_id].CopyFrom(_peer_organisation(organisation))
    return group


def _peer_organisation(organisation: PeerOrganisation) -> Any:
    group = _group()
    set_peer_organisation_policies(group, organisation.msp.msp_id)
    _value(group, "MSP", msp_message(organisation.msp))
    if organisation.anchor_peers:
        anchors = [peer_pb2.AnchorPeer(host=one.host, port=one.port) for one in organisation.anchor_peers]
        _value(group, "AnchorPeers", peer_pb2.AnchorPeers(anchor_peers=anchors))
    return group


def _orderer(definition: ChannelDefinition) -> Any:
    group = _group()
    set_group_policies(group, **{BLOCK_VALIDATION: ("ANY", WRITERS)})
    batch = definition.batch
    size = orderer_pb2.BatchSize(
        max_message_count=batch.max_messages,
        absolute_max_bytes=batch.absolute_max_bytes,
        preferred_max_bytes=batch.preferred_max_bytes,
    )
    _value(group, "BatchSize", size)
    _value(group, "BatchTimeout", orderer_pb2.BatchTimeout(timeout=f"{batch.timeout_ms}ms"))
    _value(group, "ChannelRestrictions", orderer_pb2.ChannelRestrictions())
    _value(group, "ConsensusType", orderer_pb2.ConsensusType(type="etcdraft", metadata=_raft(definition)))
    _capability(group, "V2_0")
    for organisation in definition.orderers:
        group.groups[organisation.msp.msp_id].CopyFrom(_orderer_organisation(organisation))
    return group


def _orderer_organisation(organisation: OrdererOrganisation) -> Any:
    group = _group()
    set_orderer_organisation_policies(group, organisation.msp.msp_id)
    _value(group, "MSP", msp_message(organisation.msp))
    addresses = [str(endpoint) for endpoint in organisation.endpoints]
    _value(group, "Endpoints", configuration_pb2.OrdererAddresses(addresses=addresses))
    return group


def _raft(definition: ChannelDefinition) -> bytes:
    raft = definition.raft
    metadata = etcdraft_pb2.ConfigMetadata(
        consenters=[
            etcdraft_pb2.Consenter(
                host=one.endpoint.host,
                port=one.endpoint.port,
                client_tls_cert=one.client_tls_cert,
                server_tls_cert=one.server_tls_cert,
            )
            for one in definition.consenters
        ],
        options=etcdraft_pb2.Options(
            tick_interval=f"{raft.tick_ms}ms",
            election_tick=raft.election_ticks,
            heartbeat_tick=raft.heartbeat_ticks,
            max_inflight_blocks=raft.max_inflight_blocks,
            snapshot_interval_size=raft.snapshot_interval_bytes,
        ),
    )
    return encode(metadata)


def _group() -> Any:
    return configtx_pb2.ConfigGroup(mod_policy=ADMINS)


def _value(group: Any, name: str, message: Message) -> None:
    group.values[name].CopyFrom(configtx_pb2.ConfigValue(value=encode(message), mod_policy=ADMINS))


def _capability(group: Any, name: str) -> None:
    _value(group, "Capabilities", configuration_pb2.Capabilities(capabilities={name: configuration_pb2.Capability()}))
