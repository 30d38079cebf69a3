"""Blocks from bytes.

Anybody who may write to a channel can get a block to carry an envelope with rubbish in it; peers mark it invalid and
go on, and so does this parser. Of such an envelope it keeps the header, for peers know it by its id from then on.
Rubbish that a peer calls valid is an error: such a peer must not be followed.
"""

from typing import Any, NamedTuple

from fabric_protos.common import common_pb2

from countermark.network.blocks.codes import NOT_VALIDATED, VALID
from countermark.network.blocks.rwsets import ReadWriteSet
from countermark.network.blocks.values import Block, Kind, OrdererSignature, Transaction
from countermark.network.envelopes import EndorsedTransaction, Envelope, HeaderType, client_time_ms, compute_tx_id
from countermark.network.envelopes.wire import decode
from countermark.network.errors import BlockError, EnvelopeError, IdentityError
from countermark.network.identities import SerializedIdentity

_SIGNATURES, _TRANSACTIONS_FILTER, _COMMIT_HASH = 0, 2, 4


class ClaimedHeader(NamedTuple):
    """What an envelope says of itself, believed by nobody yet; all empty if its header does not parse."""

    tx_id: str = ""
    channel: str = ""
    timestamp_ms: int = 0


def parse_block(data: bytes) -> Block:
    """Return the block in the bytes of common.Block. Nothing in it is verified yet.

    Raises:
        EnvelopeError: The bytes are not a block.
        BlockError: Its metadata do not parse, or a transaction called valid does not.
    """
    wire = decode(common_pb2.Block, data, "block")
    if not wire.HasField("header"):
        raise EnvelopeError("malformed_message", "a block without a header")
    number = wire.header.number
    try:
        signatures = decode(common_pb2.Metadata, _metadata(wire, _SIGNATURES), "block signatures")
        ordering = decode(common_pb2.OrdererBlockMetadata, signatures.value, "orderer block metadata")
        commit = decode(common_pb2.Metadata, _metadata(wire, _COMMIT_HASH), "commit hash")
        orderers = tuple(_signature(one) for one in signatures.signatures)
    except EnvelopeError as error:
        raise BlockError(error.code, error.detail, block=number) from error
    codes = _metadata(wire, _TRANSACTIONS_FILTER) or bytes([NOT_VALIDATED]) * len(wire.data.data)
    if len(codes) != len(wire.data.data):
        raise BlockError("bad_filter", f"{len(codes)} codes for {len(wire.data.data)} transactions", block=number)
    return Block(
        number=number,
        previous_hash=wire.header.previous_hash,
        data_hash=wire.header.data_hash,
        transactions=tuple(
            _transaction(number, position, raw, code)
            for position, (raw, code) in enumerate(zip(wire.data.data, codes, strict=True))
        ),
        orderer_signatures=orderers,
        signed_metadata=signatures.value,
        last_config=ordering.last_config.index,
        commit_hash=commit.value,
        serialized=data,
    )


def _metadata(wire: Any, index: int) -> bytes:
    entries = wire.metadata.metadata
    return bytes(entries[index]) if index < len(entries) else b""


def _signature(wire: Any) -> OrdererSignature:
    if wire.identifier_header and not wire.signature_header:
        identifier = decode(common_pb2.IdentifierHeader, wire.identifier_header, "identifier header").identifier
        return OrdererSignature(wire.identifier_header, b"", wire.signature, identifier)
    header = decode(common_pb2.SignatureHeader, wire.signature_header, "signature header")
    return OrdererSignature(wire.signature_header, header.creator, wire.signature)


def claimed_header(raw: bytes) -> ClaimedHeader:
    """Return what the envelope `raw` says of itself, as far as it can be read: peers index it by this id.

    They do so whatever else is wrong with it, and compute the id from creator and nonce if it is empty.
    """
    try:
        payload = decode(common_pb2.Payload, decode(common_pb2.Envelope, raw, "envelope").payload, "payload")
        if not payload.HasField("header"):
            return ClaimedHeader()
        channel = decode(common_pb2.ChannelHeader, payload.header.channel_header, "channel header")
        tx_id = channel.tx_id
        if not tx_id:
            signature = decode(common_pb2.SignatureHeader, payload.header.signature_header, "signature header")
            tx_id = compute_tx_id(signature.nonce, signature.creator)
    except EnvelopeError:
        return ClaimedHeader()
    return ClaimedHeader(tx_id, channel.channel_id, client_time_ms(channel.timestamp))


def _transaction(block: int, position: int, raw: bytes, code: int) -> Transaction:
    try:
        return _readable(position, raw, code)
    except (EnvelopeError, IdentityError) as error:
        if code == VALID:
            raise BlockError(error.code, error.detail, block=block, transaction=position) from error
    claimed = claimed_header(raw)
    return Transaction(
        position=position,
        kind="unreadable",
        validation_code=code,
        raw=raw,
        envelope=_envelope(raw),
        endorsed=None,
        rwset=ReadWriteSet(),
        tx_id=claimed.tx_id,
        channel=claimed.channel,
        timestamp_ms=claimed.timestamp_ms,
        creator_msp="",
        creator_cert=b"",
    )


def _envelope(raw: bytes) -> Envelope | None:
    try:
        return Envelope.parse(raw)
    except EnvelopeError:
        return None


def _readable(position: int, raw: bytes, code: int) -> Transaction:
    envelope = Envelope.parse(raw)
    header = envelope.header
    kind: Kind = "config"
    endorsed, rwset = None, ReadWriteSet()
    if header.type is HeaderType.ENDORSER_TRANSACTION:
        kind = "endorser"
        endorsed = EndorsedTransaction.parse(envelope)
        rwset = ReadWriteSet.parse(endorsed.response.outcome.results)
    elif header.type is not HeaderType.CONFIG:
        raise EnvelopeError("not_a_transaction", f"header type {header.type.name}")
    # Only a genesis block has no creator.
    creator = SerializedIdentity.parse(header.creator) if header.creator or endorsed else None
    return Transaction(
        position=position,
        kind=kind,
        validation_code=code,
        raw=raw,
        envelope=envelope,
        endorsed=endorsed,
        rwset=rwset,
        tx_id=header.tx_id or compute_tx_id(header.nonce, header.creator),
        channel=header.channel,
        timestamp_ms=header.timestamp_ms,
        creator_msp=creator.msp_id if creator else "",
        creator_cert=creator.certificate_pem if creator else b"",
    )
