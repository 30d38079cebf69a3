"""Blocks and transactions as values: everything that the rest of the system reads from a ledger."""

from dataclasses import dataclass, field
from typing import Literal

from countermark.network.blocks.codes import VALID, code_name
from countermark.network.blocks.hashes import header_bytes, header_hash
from countermark.network.blocks.rwsets import PrivateHashes, Read, ReadWriteSet, Write
from countermark.network.envelopes import (
    ChaincodeEvent,
    EndorsedTransaction,
    Endorsement,
    Envelope,
    Invocation,
    Response,
)

Kind = Literal["endorser", "config", "unreadable"]

_NO_INVOCATION = Invocation("", ())
_NO_RESPONSE = Response(0)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction at its place in a block.

    `unreadable` ones can only be invalid; of these the header is kept where it parses, and all else is empty.
    """

    position: int
    kind: Kind
    validation_code: int
    """Verdict of the peer that the block came from; orderers do not sign it."""
    raw: bytes = field(repr=False)
    """The bytes of common.Envelope as they stand in the block."""
    envelope: Envelope | None = field(repr=False)
    endorsed: EndorsedTransaction | None = field(repr=False)
    rwset: ReadWriteSet = field(repr=False)
    tx_id: str
    channel: str
    timestamp_ms: int
    """The client's clock, milliseconds since the epoch."""
    creator_msp: str
    creator_cert: bytes = field(repr=False)
    """Certificate of the creator in PEM; empty in a genesis block."""

    @property
    def valid(self) -> bool:
        """True if the peer committed the writes."""
        return self.validation_code == VALID

    @property
    def code_name(self) -> str:
        """Fabric's name of the validation code."""
        return code_name(self.validation_code)

    @property
    def chaincode(self) -> str:
        """Name of the chaincode that was called."""
        return self._invocation.chaincode

    @property
    def function(self) -> str:
        """Name of the function that was called."""
        return self._invocation.function

    @property
    def args(self) -> tuple[bytes, ...]:
        """Arguments after the function's name."""
        return self._invocation.args[1:]

    @property
    def response_status(self) -> int:
        """Status of the chaincode's answer, 200 for success."""
        return self._response.status

    @property
    def response_payload(self) -> bytes:
        """The chaincode's answer."""
        return self._response.payload

    @property
    def event(self) -> ChaincodeEvent | None:
        """The event that the chaincode set."""
        return self.endorsed.response.outcome.event if self.endorsed else None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Keys that were read, of all namespaces."""
        return self.rwset.reads

    @property
    def writes(self) -> tuple[Write, ...]:
        """Keys that change if the transaction is valid, of all namespaces."""
        return self.rwset.writes

    @property
    def private_hashes(self) -> tuple[PrivateHashes, ...]:
        """What happened in private collections."""
        return self.rwset.private_hashes

    @property
    def endorsers(self) -> tuple[Endorsement, ...]:
        """Endorsements, not verified by parsing."""
        return self.endorsed.endorsements if self.endorsed else ()

    @property
    def _invocation(self) -> Invocation:
        return self.endorsed.invocation if self.endorsed else _NO_INVOCATION

    @property
    def _response(self) -> Response:
        return self.endorsed.response.outcome.response if self.endorsed else _NO_RESPONSE


@dataclass(frozen=True, slots=True)
class OrdererSignature:
    """An orderer's signature of a block; `header` names the orderer, or under BFT the number of the consenter."""

    header: bytes = field(repr=False)
    """The bytes of common.SignatureHeader or IdentifierHeader: what is signed beside the block's own."""
    creator: bytes = field(repr=False)
    """Serialized identity of the orderer; empty where a number names him."""
    signature: bytes = field(repr=False)
    consenter: int | None = None
    """Number of the consenter; None where the orderer's name is given."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a channel."""

    number: int
    previous_hash: bytes
    data_hash: bytes
    transactions: tuple[Transaction, ...]
    orderer_signatures: tuple[OrdererSignature, ...]
    signed_metadata: bytes = field(repr=False)
    """common.OrdererBlockMetadata: what orderers sign beside the header."""
    last_config: int
    """Number of the block that holds the channel's configuration."""
    commit_hash: bytes = field(repr=False)
    """The peer's running hash over verdicts and writes (`verify_commit_hash`).

    Empty in blocks of an orderer, in block 0, and in a ledger that was begun without it.
    """
    serialized: bytes = field(repr=False)
    """The bytes of common.Block."""

    @property
    def header_bytes(self) -> bytes:
        """The header in ASN.1: what orderers sign."""
        return header_bytes(self.number, self.previous_hash, self.data_hash)

    @property
    def header_hash(self) -> bytes:
        """The hash by which the next block names this one."""
        return header_hash(self.number, self.previous_hash, self.data_hash)
