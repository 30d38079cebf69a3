"""The configuration of a channel, read from its block: which organisations there are and what they accept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fabric_protos.common import configtx_pb2, configuration_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2

from countermark.network.blocks.configs.policies import find_policy
from countermark.network.blocks.policies import NOBODY, AnyPolicy, SignedBy
from countermark.network.blocks.values import Block
from countermark.network.envelopes.wire import decode
from countermark.network.errors import BlockError, EnvelopeError
from countermark.network.identities import Consortium, Msp, SerializedIdentity

_FABRIC_MSP = 0
_UNSUPPORTED = (
    *("intermediate_certs", "admins", "revocation_list", "organizational_unit_identifiers", "tls_intermediate_certs"),
)
"""What an MSP may say in Fabric and may not here: who reads over it would take for members whom peers refuse."""


@dataclass(frozen=True)
class ChannelConfig:
    """What a configuration block says of a channel."""

    channel: str
    sequence: int
    """How often the configuration has changed since the genesis block."""
    organisations: Consortium
    """Those that make and endorse transactions."""
    orderers: Consortium
    """Those that sign blocks."""
    consenters: Mapping[int, SerializedIdentity] = field(repr=False)
    """Orderers by the number with which they sign blocks under BFT; none under Raft, where they sign by name."""
    group: Any = field(repr=False)
    """The tree that all of it was read from (common.ConfigGroup); to be copied, never changed."""

    @property
    def members(self) -> Consortium:
        """All organisations of the channel."""
        both = (self.organisations, self.orderers)
        return Consortium(consortium.msp(msp_id) for consortium in both for msp_id in consortium.msp_ids)

    def policy(self, path: str) -> AnyPolicy:
        """Return the policy at `path`, as in "/Channel/Application/Admins"; if there is none, what nobody meets.

        Raises:
            EnvelopeError: It is of a kind that is unknown here.
        """
        return find_policy(self.group, path) or NOBODY

    def endorsement_by(self, msp_id: str) -> AnyPolicy:
        """Return what an organisation's own word takes, as in the collection that Fabric keeps for it alone.

        Raises:
            EnvelopeError: The policy is of a kind that is unknown here.
        """
        for name, group in self.group.groups["Application"].groups.items():
            if _msp(group).msp_id == msp_id:
                own = find_policy(self.group, f"/Channel/Application/{name}/Endorsement")
                return SignedBy(msp_id, None) if own is None else own
        return NOBODY

    @cached_property
    def block_validation(self) -> AnyPolicy:
        """Whose signatures make a block one of this channel.

        Raises:
            EnvelopeError: It is of a kind that is unknown here.
        """
        return self.policy("/Channel/Orderer/BlockValidation")


def read_config(block: Block) -> ChannelConfig:
    """Return the configuration in `block`.

    Raises:
        BlockError: It is not a configuration block, or what is in it does not parse.
    """
    config = [one for one in block.transactions if one.kind == "config" and one.envelope is not None]
    if len(config) != 1 or len(block.transactions) != 1:
        raise BlockError("not_a_config_block", "no configuration in it", block=block.number)
    envelope = config[0].envelope
    assert envelope is not None
    try:
        wire = decode(configtx_pb2.ConfigEnvelope, envelope.data, "configuration").config
        return parse_config(envelope.header.channel, wire.sequence, wire.channel_group)
    except EnvelopeError as error:
        raise BlockError(error.code, error.detail, block=block.number, transaction=0) from error


def parse_config(channel: str, sequence: int, group: Any) -> ChannelConfig:
    """Return the configuration that `group` (common.ConfigGroup) makes.

    Raises:
        EnvelopeError: An MSP in it does not parse, stands there twice in two versions, or has what is not supported;
            or the consenters do not parse.
    """
    groups = group.groups
    application = _msps(groups["Application"]) if "Application" in groups else {}
    orderer = _msps(groups["Orderer"]) if "Orderer" in groups else {}
    if any(application[msp_id] != orderer[msp_id] for msp_id in application.keys() & orderer.keys()):
        raise EnvelopeError("malformed_msp", "an organisation has two versions of its MSP")
    return ChannelConfig(
        channel=channel,
        sequence=sequence,
        organisations=Consortium(application.values()),
        orderers=Consortium(orderer.values()),
        consenters=_consenters(groups["Orderer"]) if "Orderer" in groups else {},
        group=group,
    )


def _msps(group: Any) -> dict[str, Msp]:
    msps: dict[str, Msp] = {}
    for one in group.groups.values():
        msp = _msp(one)
        if msps.setdefault(msp.msp_id, msp) != msp:
            raise EnvelopeError("malformed_msp", f"{msp.msp_id} has two versions of its MSP")
    return msps


def _msp(group: Any) -> Msp:
    outer = decode(msp_config_pb2.MSPConfig, _value(group, "MSP"), "MSP configuration")
    config = decode(msp_config_pb2.FabricMSPConfig, outer.config, "Fabric MSP configuration")
    if not config.name or not config.root_certs:
        raise EnvelopeError("malformed_msp", "an MSP without id or root certificate")
    unsupported = [name for name in _UNSUPPORTED if getattr(config, name)]
    if outer.type != _FABRIC_MSP or not config.fabric_node_ous.enable or unsupported:
        detail = ", ".join(unsupported) or "other than X.509 with roles by NodeOUs"
        raise EnvelopeError("unsupported_msp", f"{config.name} has {detail}")
    return Msp(config.name, tuple(config.root_certs), tuple(config.tls_root_certs))


def _consenters(orderer: Any) -> dict[int, SerializedIdentity]:
    consensus = decode(orderer_pb2.ConsensusType, _value(orderer, "ConsensusType"), "consensus type")
    if consensus.type != "BFT":
        return {}
    wire = decode(configuration_pb2.Orderers, _value(orderer, "Orderers"), "consenters").consenter_mapping
    consenters = {one.id: SerializedIdentity(one.msp_id, one.identity) for one in wire}
    if len(consenters) != len(wire):
        raise EnvelopeError("malformed_consenters", "two consenters have the same number")
    return consenters


def _value(group: Any, name: str) -> bytes:
    return bytes(group.values[name].value) if name in group.values else b""
