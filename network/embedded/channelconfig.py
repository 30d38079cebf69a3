"""The organisations of a channel, read from its configuration block."""

from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.msp import msp_config_pb2

from countermark.network.blocks import parse_block
from countermark.network.embedded.errors import LedgerError
from countermark.network.envelopes.wire import decode
from countermark.network.identities import Consortium, Msp


def consortium_of(genesis: bytes, *, channel: str) -> Consortium:
    """Return the organisations of the Application group in the configuration block `genesis`.

    Raises:
        LedgerError: It is not the configuration of `channel`.
        EnvelopeError: The bytes do not parse.
    """
    block = parse_block(genesis)
    if len(block.transactions) != 1 or block.transactions[0].kind != "config":
        raise LedgerError("not_a_genesis_block", "the first block is no configuration")
    transaction = block.transactions[0]
    if transaction.channel != channel:
        raise LedgerError("other_channel", f"the ledger is of channel {transaction.channel}, not {channel}")
    envelope = decode(common_pb2.Envelope, transaction.raw, "envelope")
    payload = decode(common_pb2.Payload, envelope.payload, "payload")
    config = decode(configtx_pb2.ConfigEnvelope, payload.data, "configuration").config
    groups = config.channel_group.groups["Application"].groups
    return Consortium(_msp(groups[name].values["MSP"].value) for name in sorted(groups))


def _msp(value: bytes) -> Msp:
    config = decode(msp_config_pb2.MSPConfig, value, "MSP configuration")
    fabric = decode(msp_config_pb2.FabricMSPConfig, config.config, "MSP")
    return Msp(fabric.name, tuple(fabric.root_certs), tuple(fabric.tls_root_certs))
