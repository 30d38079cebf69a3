"""The configuration of a channel, read from its block: which organisations there are and what they accept."""

from dataclasses import dataclass
from typing import Any

from fabric_protos.common import configtx_pb2
from fabric_protos.msp import msp_config_pb2

from countermark.network.blocks.values import Block
from countermark.network.envelopes.wire import decode
from countermark.network.errors import BlockError, EnvelopeError
from countermark.network.identities import Consortium, Msp


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """What a configuration block says of a channel."""

    channel: str
    sequence: int
    """How often the configuration has changed since the genesis block."""
    organisations: Consortium
    """Those that make and endorse transactions."""
    orderers: Consortium
    """Those that sign blocks."""


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
        groups = wire.channel_group.groups
        return ChannelConfig(
            channel=envelope.header.channel,
            sequence=wire.sequence,
            organisations=_consortium(groups["Application"]) if "Application" in groups else Consortium(()),
            orderers=_consortium(groups["Orderer"]) if "Orderer" in groups else Consortium(()),
        )
    except EnvelopeError as error:
        raise BlockError(error.code, error.detail, block=block.number, transaction=0) from error


def _consortium(group: Any) -> Consortium:
    return Consortium(_msp(one) for one in group.groups.values())


def _msp(group: Any) -> Msp:
    outer = decode(msp_config_pb2.MSPConfig, group.values["MSP"].value, "MSP configuration")
    config = decode(msp_config_pb2.FabricMSPConfig, outer.config, "Fabric MSP configuration")
    if not config.name or not config.root_certs:
        raise EnvelopeError("malformed_msp", "an MSP without id or root certificate")
    return Msp(config.name, tuple(config.root_certs), tuple(config.tls_root_certs))
