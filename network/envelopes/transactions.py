"""Envelopes and the transactions in them: a proposal's public part, the outcome, endorsements, one signature."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_response_pb2, transaction_pb2

from countermark.network.envelopes.endorsements import Endorsement, ResponsePayload
from countermark.network.envelopes.headers import Header, HeaderType
from countermark.network.envelopes.proposals import Invocation, Proposal, proposal_hash
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError
from countermark.network.identities import SigningIdentity


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed message of any type: header, the data under it, and the creator's signature over both."""

    header: Header
    data: bytes = field(repr=False)
    payload: bytes = field(repr=False)
    """common.Payload: the bytes under the signature."""
    signature: bytes = field(repr=False)

    @property
    def serialized(self) -> bytes:
        """The bytes of common.Envelope."""
        return encode(common_pb2.Envelope(payload=self.payload, signature=self.signature))

    @staticmethod
    def parse(data: bytes) -> "Envelope":
        """Return the envelope in the bytes of common.Envelope.

        Raises:
            EnvelopeError: Envelope, payload or header do not parse.
        """
        wire = decode(common_pb2.Envelope, data, "envelope")
        payload = decode(common_pb2.Payload, wire.payload, "payload")
        header = Header.of(payload.header.channel_header, payload.header.signature_header)
        return Envelope(header, payload.data, wire.payload, wire.signature)

    def verify_signature(self) -> None:
        """Check that the creator signed the envelope (not whether his MSP accepts him).

        Raises:
            IdentityError: The creator does not parse.
            SignatureError: The signature is not his.
        """
        self.header.identity.verify(self.signature, self.payload)


@dataclass(frozen=True, slots=True)
class EndorsedTransaction:
    """An envelope of type ENDORSER_TRANSACTION, taken apart."""

    envelope: Envelope
    action_header: bytes = field(repr=False)
    """The signature header that stands in the action; it must be the one of the proposal."""
    public_payload: bytes = field(repr=False)
    invocation: Invocation
    response: ResponsePayload
    endorsements: tuple[Endorsement, ...]

    @property
    def header(self) -> Header:
        """Header of the envelope."""
        return self.envelope.header

    @staticmethod
    def parse(envelope: Envelope) -> "EndorsedTransaction":
        """Return the transaction in `envelope`.

        Raises:
            EnvelopeError: It is of another type, does not parse, or has not exactly one action.
        """
        if envelope.header.type is not HeaderType.ENDORSER_TRANSACTION:
            raise EnvelopeError("not_a_transaction", f"header type {envelope.header.type.name}")
        transaction = decode(transaction_pb2.Transaction, envelope.data, "transaction")
        if len(transaction.actions) != 1:
            raise EnvelopeError("bad_action_count", f"{len(transaction.actions)} actions in a transaction")
        action = transaction.actions[0]
        payload = decode(transaction_pb2.ChaincodeActionPayload, action.payload, "chaincode action payload")
        return EndorsedTransaction(
            envelope=envelope,
            action_header=action.header,
            public_payload=payload.chaincode_proposal_payload,
            invocation=Invocation.parse(payload.chaincode_proposal_payload),
            response=ResponsePayload.parse(payload.action.proposal_response_payload),
            endorsements=tuple(Endorsement(wire.endorser, wire.signature) for wire in payload.action.endorsements),
        )

    def check_binding(self) -> None:
        """Check that the parts belong together: id, chaincode, header of the action, and hash of the proposal.

        Raises:
            EnvelopeError: The endorsements are for another proposal, or the transaction id is wrong.
        """
        self.header.check_tx_id()
        if self.action_header != self.header.signature_header:
            raise EnvelopeError("action_header_mismatch", "the action's header is not the envelope's")
        if not self.header.chaincode == self.invocation.chaincode == self.response.outcome.chaincode:
            raise EnvelopeError("chaincode_mismatch", "header, invocation and outcome name different chaincodes")
        if proposal_hash(self.header, self.public_payload) != self.response.proposal_hash:
            raise EnvelopeError("proposal_hash_mismatch", "the endorsements are for another proposal")
        event = self.response.outcome.event
        if event is not None and (event.tx_id, event.chaincode) != (self.header.tx_id, self.header.chaincode):
            raise EnvelopeError("event_mismatch", "the event is of another transaction or chaincode")


def assemble(proposal: Proposal, response_payload: bytes, endorsements: Sequence[Endorsement]) -> bytes:
    """Return the payload (common.Payload) of the transaction for `proposal`; its creator has yet to sign it."""
    action = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=proposal.public_payload,
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=response_payload,
            endorsements=[
                proposal_response_pb2.Endorsement(endorser=one.endorser, signature=one.signature)
                for one in endorsements
            ],
        ),
    )
    transaction = transaction_pb2.Transaction(
        actions=[transaction_pb2.TransactionAction(header=proposal.header.signature_header, payload=encode(action))]
    )
    return build_payload(proposal.header, encode(transaction))


def build_payload(header: Header, data: bytes) -> bytes:
    """Return the bytes of common.Payload: what the creator of an envelope signs."""
    halves = common_pb2.Header(channel_header=header.channel_header, signature_header=header.signature_header)
    return encode(common_pb2.Payload(header=halves, data=data))


def sign_payload(identity: SigningIdentity, payload: bytes) -> Envelope:
    """Return the envelope of `payload` (common.Payload) signed by `identity`.

    Raises:
        EnvelopeError: The bytes are not a payload, or name another creator.
    """
    envelope = Envelope.parse(encode(common_pb2.Envelope(payload=payload, signature=identity.sign(payload))))
    if envelope.header.creator != identity.serialized:
        raise EnvelopeError("creator_mismatch", "the payload names another creator than its signer")
    return envelope
