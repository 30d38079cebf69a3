"""Headers of proposals and envelopes: what kind of message it is, for which channel, and who made it.

The two halves of a header are hashed and signed as the bytes that came over the wire, so a `Header` keeps these bytes
beside the values in them.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2

from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError
from countermark.network.identities import SerializedIdentity, SigningIdentity

NONCE_BYTES = 24

LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


class HeaderType(IntEnum):
    """Kinds of envelope that occur on a channel today (common.HeaderType)."""

    CONFIG = 1
    CONFIG_UPDATE = 2
    ENDORSER_TRANSACTION = 3
    DELIVER_SEEK_INFO = 5


@dataclass(frozen=True, slots=True)
class Header:
    """A channel header with its signature header."""

    channel_header: bytes = field(repr=False)
    signature_header: bytes = field(repr=False)
    type: HeaderType
    channel: str
    tx_id: str
    timestamp_ms: int
    """The client's clock, milliseconds since the epoch; from 0 to the year 9999 whatever the client wrote."""
    chaincode: str
    """Name of the chaincode that is called; empty unless the type is ENDORSER_TRANSACTION."""
    tls_cert_hash: bytes = field(repr=False)
    creator: bytes = field(repr=False)
    """Serialized identity of whoever made the message."""
    nonce: bytes = field(repr=False)

    @property
    def identity(self) -> SerializedIdentity:
        """The creator, parsed.

        Raises:
            IdentityError: The bytes are not a serialized identity.
        """
        return SerializedIdentity.parse(self.creator)

    @property
    def serialized(self) -> bytes:
        """The bytes of common.Header, whose halves are exactly those that were parsed."""
        return encode(common_pb2.Header(channel_header=self.channel_header, signature_header=self.signature_header))

    @staticmethod
    def parse(data: bytes) -> "Header":
        """Return the header in the bytes of common.Header.

        Raises:
            EnvelopeError: It does not parse, its type is unknown, or its epoch is not 0.
        """
        wire = decode(common_pb2.Header, data, "header")
        return Header.of(wire.channel_header, wire.signature_header)

    @staticmethod
    def of(channel_header: bytes, signature_header: bytes) -> "Header":
        """Return the header with these two halves.

        Raises:
            EnvelopeError: A half does not parse, the type is unknown, or the epoch is not 0.
        """
        channel = decode(common_pb2.ChannelHeader, channel_header, "channel header")
        signature = decode(common_pb2.SignatureHeader, signature_header, "signature header")
        try:
            kind = HeaderType(channel.type)
        except ValueError as error:
            raise EnvelopeError("unknown_header_type", str(channel.type)) from error
        if channel.epoch != 0:
            raise EnvelopeError("bad_epoch", str(channel.epoch))
        chaincode = ""
        if kind is HeaderType.ENDORSER_TRANSACTION:
            extension = decode(proposal_pb2.ChaincodeHeaderExtension, channel.extension, "chaincode header extension")
            chaincode = extension.chaincode_id.name
        return Header(
            channel_header=channel_header,
            signature_header=signature_header,
            type=kind,
            channel=channel.channel_id,
            tx_id=channel.tx_id,
            timestamp_ms=client_time_ms(channel.timestamp),
            chaincode=chaincode,
            tls_cert_hash=channel.tls_cert_hash,
            creator=signature.creator,
            nonce=signature.nonce,
        )

    def check_tx_id(self) -> None:
        """Check that the transaction id is the one that creator and nonce give.

        Raises:
            EnvelopeError: It is not, or creator or nonce are missing.
        """
        if not self.creator or not self.nonce:
            raise EnvelopeError("missing_creator", "the signature header lacks creator or nonce")
        if self.tx_id != compute_tx_id(self.nonce, self.creator):
            raise EnvelopeError("bad_tx_id", "the transaction id is not sha256(nonce, creator)")


def client_time_ms(timestamp: Any) -> int:
    """Return a timestamp (google.protobuf.Timestamp) in milliseconds since the epoch, from 0 to `LATEST_MS`.

    Peers commit an envelope with any time in it; readers of the block must be able to write it down.
    """
    return int(min(max(0, timestamp.seconds * 1000 + timestamp.nanos // 1_000_000), LATEST_MS))


def compute_tx_id(nonce: bytes, creator: bytes) -> str:
    """Return the transaction id of a proposal by `creator`: hexadecimal SHA-256 of nonce and creator."""
    return hashlib.sha256(nonce + creator).hexdigest()


def build_header(
    identity: SigningIdentity,
    kind: HeaderType,
    channel: str,
    *,
    now_ms: int,
    chaincode: str = "",
    tls_cert_hash: bytes = b"",
) -> Header:
    """Return a header made by `identity` at `now_ms`, with a fresh nonce and the transaction id that follows."""
    return header_of(
        identity.serialized,
        secrets.token_bytes(NONCE_BYTES),
        kind,
        channel,
        now_ms=now_ms,
        chaincode=chaincode,
        tls_cert_hash=tls_cert_hash,
    )


def header_of(
    creator: bytes,
    nonce: bytes,
    kind: HeaderType,
    channel: str,
    *,
    now_ms: int,
    chaincode: str = "",
    tls_cert_hash: bytes = b"",
) -> Header:
    """Return the header with exactly this creator (serialized identity) and nonce."""
    message = common_pb2.ChannelHeader(
        type=int(kind),
        channel_id=channel,
        tx_id=compute_tx_id(nonce, creator),
        tls_cert_hash=tls_cert_hash,
    )
    message.timestamp.FromMilliseconds(now_ms)
    if kind is HeaderType.ENDORSER_TRANSACTION:
        message.extension = encode(
            proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode_pb2.ChaincodeID(name=chaincode))
        )
    signature = common_pb2.SignatureHeader(creator=creator, nonce=nonce)
    return Header.of(encode(message), encode(signature))
