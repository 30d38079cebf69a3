"""The first block of a channel: its configuration, which nobody signs and everybody compares by hash."""

import hashlib
import secrets

from fabric_protos.common import common_pb2, configtx_pb2

from countermark.network.blocks.building import build_block
from countermark.network.envelopes.headers import NONCE_BYTES, HeaderType, header_of
from countermark.network.envelopes.transactions import build_payload
from countermark.network.envelopes.wire import encode
from countermark.network.genesis.definition import ChannelDefinition
from countermark.network.genesis.groups import channel_group


def genesis_block(definition: ChannelDefinition, *, now_ms: int) -> bytes:
    """Return the bytes of common.Block number 0 of the channel that `definition` describes, made at `now_ms`."""
    config = configtx_pb2.Config(channel_group=channel_group(definition))
    nonce = secrets.token_bytes(NONCE_BYTES)
    header = header_of(b"", nonce, HeaderType.CONFIG, definition.channel, now_ms=now_ms)
    payload = build_payload(header, encode(configtx_pb2.ConfigEnvelope(config=config)))
    envelope = encode(common_pb2.Envelope(payload=payload))
    return build_block(0, b"", [envelope], last_config=0, orderer=None)


def network_id(genesis: bytes) -> str:
    """Return what tells the network that begins with the block `genesis` from all others: its SHA-256, in hex."""
    return hashlib.sha256(genesis).hexdigest()
