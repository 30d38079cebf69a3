"""Proposals: a signed request to run a chaincode function.

What is hashed into an endorsement, and what later stands in the block, is the proposal without its transient map.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from fabric_protos.peer import chaincode_pb2, proposal_pb2

from countermark.network.envelopes.headers import Header, HeaderType, build_header
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError
from countermark.network.identities import SigningIdentity


@dataclass(frozen=True, slots=True)
class Invocation:
    """The call of a chaincode: its name and the arguments, the function's name first."""

    chaincode: str
    args: tuple[bytes, ...]

    @property
    def function(self) -> str:
        """Name of the function; empty if there are no arguments or the name is not UTF-8."""
        try:
            return self.args[0].decode() if self.args else ""
        except UnicodeDecodeError:
            return ""

    @staticmethod
    def parse(proposal_payload: bytes) -> "Invocation":
        """Return the call in the bytes of protos.ChaincodeProposalPayload.

        Raises:
            EnvelopeError: They do not parse, or name no chaincode.
        """
        payload = decode(proposal_pb2.ChaincodeProposalPayload, proposal_payload, "chaincode proposal payload")
        spec = decode(chaincode_pb2.ChaincodeInvocationSpec, payload.input, "chaincode invocation").chaincode_spec
        if not spec.chaincode_id.name:
            raise EnvelopeError("missing_chaincode", "the invocation names no chaincode")
        return Invocation(spec.chaincode_id.name, tuple(spec.input.args))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal with its signature; `serialized` is what travels."""

    header: Header
    invocation: Invocation
    public_payload: bytes = field(repr=False)
    """protos.ChaincodeProposalPayload without the transient map: the part that ends up in the block."""
    transient: Mapping[str, bytes] = field(repr=False)
    """Inputs that only endorsers see."""
    proposal_bytes: bytes = field(repr=False)
    """protos.Proposal, the bytes under the signature."""
    signature: bytes = field(repr=False)

    @property
    def tx_id(self) -> str:
        """Id of the transaction that the proposal becomes."""
        return self.header.tx_id

    @property
    def hash(self) -> bytes:
        """What an endorsement binds itself to."""
        return proposal_hash(self.header, self.public_payload)

    @property
    def serialized(self) -> bytes:
        """The bytes of protos.SignedProposal."""
        return encode(proposal_pb2.SignedProposal(proposal_bytes=self.proposal_bytes, signature=self.signature))

    def verify_signature(self) -> None:
        """Check that the creator signed the proposal (not whether his MSP accepts him).

        Raises:
            IdentityError: The creator does not parse.
            SignatureError: The signature is not his.
        """
        self.header.identity.verify(self.signature, self.proposal_bytes)

    @staticmethod
    def parse(data: bytes) -> "Proposal":
        """Return the proposal in the bytes of protos.SignedProposal, its transaction id checked.

        Raises:
            EnvelopeError: It does not parse, is not a chaincode call, names two chaincodes, or has a wrong id.
        """
        signed = decode(proposal_pb2.SignedProposal, data, "signed proposal")
        proposal = decode(proposal_pb2.Proposal, signed.proposal_bytes, "proposal")
        header = Header.parse(proposal.header)
        if header.type is not HeaderType.ENDORSER_TRANSACTION:
            raise EnvelopeError("not_a_proposal", f"header type {header.type.name}")
        header.check_tx_id()
        invocation = Invocation.parse(proposal.payload)
        if header.chaincode != invocation.chaincode:
            raise EnvelopeError("chaincode_mismatch", "header and invocation name different chaincodes")
        payload = decode(proposal_pb2.ChaincodeProposalPayload, proposal.payload, "chaincode proposal payload")
        return Proposal(
            header=header,
            invocation=invocation,
            public_payload=encode(proposal_pb2.ChaincodeProposalPayload(input=payload.input)),
            transient=MappingProxyType(dict(payload.TransientMap)),
            proposal_bytes=signed.proposal_bytes,
            signature=signed.signature,
        )


def proposal_hash(header: Header, public_payload: bytes) -> bytes:
    """Return the hash that ties an endorsement to its proposal: both halves of the header and the public payload."""
    return hashlib.sha256(header.channel_header + header.signature_header + public_payload).digest()


def build_proposal(
    identity: SigningIdentity,
    channel: str,
    chaincode: str,
    args: Sequence[bytes],
    *,
    now_ms: int,
    transient: Mapping[str, bytes] | None = None,
) -> Proposal:
    """Return a signed proposal to call `chaincode` with `args` (the function's name first) at `now_ms`."""
    header = build_header(identity, HeaderType.ENDORSER_TRANSACTION, channel, now_ms=now_ms, chaincode=chaincode)
    spec = chaincode_pb2.ChaincodeSpec(
        chaincode_id=chaincode_pb2.ChaincodeID(name=chaincode),
        input=chaincode_pb2.ChaincodeInput(args=list(args)),
    )
    call = encode(chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec))
    secret = dict(transient or {})
    payload = encode(proposal_pb2.ChaincodeProposalPayload(input=call, TransientMap=secret))
    proposal_bytes = encode(proposal_pb2.Proposal(header=header.serialized, payload=payload))
    return Proposal(
        header=header,
        invocation=Invocation(chaincode, tuple(args)),
        public_payload=encode(proposal_pb2.ChaincodeProposalPayload(input=call)),
        transient=MappingProxyType(secret),
        proposal_bytes=proposal_bytes,
        signature=identity.sign(proposal_bytes),
    )
