"""Blocks to bytes: what an orderer makes of envelopes, and what a peer adds when it commits."""

import secrets
from collections.abc import Sequence

from fabric_protos.common import common_pb2

from countermark.network.blocks.hashes import data_hash, header_bytes
from countermark.network.envelopes.headers import NONCE_BYTES
from countermark.network.envelopes.wire import decode, encode
from countermark.network.identities import SigningIdentity

_SIGNATURES, _LAST_CONFIG, _TRANSACTIONS_FILTER, _COMMIT_HASH = 0, 1, 2, 4
_ENTRIES = 5


def build_block(
    number: int,
    previous_hash: bytes,
    envelopes: Sequence[bytes],
    *,
    last_config: int,
    orderer: SigningIdentity | None,
) -> bytes:
    """Return the bytes of common.Block as an orderer cuts it.

    Args:
        number: Its place in the chain.
        previous_hash: Header hash of the block before; empty for block 0.
        envelopes: The bytes of its envelopes (common.Envelope), in order.
        last_config: Number of the block that holds the channel's configuration.
        orderer: Who signs; None for a genesis block, which nobody signs.
    """
    digest = data_hash(envelopes)
    config = common_pb2.LastConfig(index=last_config)
    value = encode(common_pb2.OrdererBlockMetadata(last_config=config))
    signatures = []
    if orderer is not None:
        head = encode(common_pb2.SignatureHeader(creator=orderer.serialized, nonce=secrets.token_bytes(NONCE_BYTES)))
        signature = orderer.sign(value + head + header_bytes(number, previous_hash, digest))
        signatures.append(common_pb2.MetadataSignature(signature_header=head, signature=signature))
    metadata = [b""] * _ENTRIES
    metadata[_SIGNATURES] = encode(common_pb2.Metadata(value=value, signatures=signatures))
    metadata[_LAST_CONFIG] = encode(common_pb2.Metadata(value=encode(config)))
    header = common_pb2.BlockHeader(number=number, previous_hash=previous_hash, data_hash=digest)
    block = common_pb2.Block(
        header=header,
        data=common_pb2.BlockData(data=envelopes),
        metadata=common_pb2.BlockMetadata(metadata=metadata),
    )
    return encode(block)


def with_validation_codes(block: bytes, codes: Sequence[int], *, commit_hash: bytes = b"") -> bytes:
    """Return `block` (common.Block) with a peer's verdict on each transaction, and its running commit hash if any.

    Raises:
        EnvelopeError: The bytes are not a block.
    """
    wire = decode(common_pb2.Block, block, "block")
    entries = wire.metadata.metadata
    entries.extend([b""] * (_ENTRIES - len(entries)))
    entries[_TRANSACTIONS_FILTER] = bytes(codes)
    if commit_hash:
        entries[_COMMIT_HASH] = encode(common_pb2.Metadata(value=commit_hash))
    return encode(wire)
