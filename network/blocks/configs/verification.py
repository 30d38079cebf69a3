"""Whether a block that claims to change the configuration of its channel does: as Fabric's peers judge it."""

from fabric_protos.common import configtx_pb2

from countermark.network.blocks.configs.reading import ChannelConfig
from countermark.network.blocks.configs.updates import SignedUpdate, apply_update, verify_signers
from countermark.network.blocks.values import Block
from countermark.network.envelopes import Envelope, HeaderType
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import BlockError, ConfigurationError, NetworkError


def verify_last_config(block: Block, *, last_config: int) -> None:
    """Check that `block` names `last_config` as the number of the block that holds the configuration.

    A block that changes the configuration names itself.

    Raises:
        BlockError: It names another one.
    """
    if block.last_config != last_config:
        detail = f"it names block {block.last_config} as its configuration, which stands in block {last_config}"
        raise BlockError("wrong_last_config", detail, block=block.number)


def verify_config(block: Block, before: ChannelConfig) -> ChannelConfig:
    """Return the configuration that `block`, the first change of `before`, brings into force.

    Signatures of orderers on the block are the caller's to check (`verify_orderers`), by `before`.

    Raises:
        BlockError: There is something else in the block; the update was not signed by those whom the policies before
            want; or the configuration in the block is not the one that follows from it.
    """
    if len(block.transactions) != 1 or block.transactions[0].kind != "config":
        raise BlockError("not_a_config_block", "no configuration in it, or more than that", block=block.number)
    envelope = block.transactions[0].envelope
    assert envelope is not None, "a configuration was parsed from its envelope"
    try:
        return _verify(envelope, before)
    except NetworkError as error:
        raise BlockError(error.code, error.detail, block=block.number, transaction=0) from error


def last_update(block: Block) -> bytes | None:
    """Return the update (common.ConfigUpdate) that `block` claims to bring into force, None if it brings none.

    Raises:
        BlockError: What it brings does not parse.
    """
    if [one.kind for one in block.transactions] != ["config"]:
        return None
    envelope = block.transactions[0].envelope
    assert envelope is not None, "a configuration was parsed from its envelope"
    try:
        wire = decode(configtx_pb2.ConfigEnvelope, envelope.data, "configuration")
        if not wire.HasField("last_update"):
            return None
        return SignedUpdate.parse(Envelope.parse(encode(wire.last_update)).data).update
    except NetworkError as error:
        raise BlockError(error.code, error.detail, block=block.number, transaction=0) from error


def _verify(envelope: Envelope, before: ChannelConfig) -> ChannelConfig:
    if envelope.header.channel != before.channel:
        raise ConfigurationError("other_channel", f"it is of {envelope.header.channel!r}")
    # An orderer makes this envelope of the update, and signs it.
    envelope.verify_signature()
    before.members.member(envelope.header.identity)
    wire = decode(configtx_pb2.ConfigEnvelope, envelope.data, "configuration")
    update = Envelope.parse(encode(wire.last_update))
    if update.header.type is not HeaderType.CONFIG_UPDATE or update.header.channel != before.channel:
        raise ConfigurationError("malformed_update", "what led to the configuration is no update of this channel")
    signed = SignedUpdate.parse(update.data)
    after = apply_update(before, signed.update, verify_signers(signed, before.members))
    if wire.config.sequence != after.sequence:
        detail = f"sequence {wire.config.sequence} where {after.sequence} is due"
        raise ConfigurationError("wrong_sequence", detail)
    if wire.config.channel_group != after.group:
        raise ConfigurationError("configuration_differs", "it is not what the update makes of the one before")
    return after
