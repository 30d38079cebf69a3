"""Endorsements: what a peer found when it ran a proposal, and its signature over that."""

from dataclasses import dataclass, field

from fabric_protos.peer import (
    chaincode_event_pb2,
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
)

from countermark.network.envelopes.proposals import Proposal
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError
from countermark.network.identities import SerializedIdentity, SigningIdentity


@dataclass(frozen=True, slots=True)
class ChaincodeEvent:
    """The one event that a transaction may carry."""

    chaincode: str
    tx_id: str
    name: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """A chaincode's answer; status 200 to 399 is success."""

    status: int
    payload: bytes = b""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running a proposal gave: answer, event, and the read-write set as bytes of rwset.TxReadWriteSet."""

    response: Response
    results: bytes = field(repr=False)
    chaincode: str
    version: str = ""
    event: ChaincodeEvent | None = None


@dataclass(frozen=True, slots=True)
class ResponsePayload:
    """An outcome bound to one proposal by its hash; `serialized` is what endorsers sign."""

    proposal_hash: bytes
    outcome: Outcome
    serialized: bytes = field(repr=False)

    @staticmethod
    def parse(data: bytes) -> "ResponsePayload":
        """Return what is in the bytes of protos.ProposalResponsePayload.

        Raises:
            EnvelopeError: They do not parse.
        """
        payload = decode(proposal_response_pb2.ProposalResponsePayload, data, "proposal response payload")
        action = decode(proposal_pb2.ChaincodeAction, payload.extension, "chaincode action")
        response = action.response
        outcome = Outcome(
            response=Response(response.status, response.payload, response.message),
            results=action.results,
            chaincode=action.chaincode_id.name,
            version=action.chaincode_id.version,
            event=_parse_event(action.events),
        )
        return ResponsePayload(payload.proposal_hash, outcome, data)


@dataclass(frozen=True, slots=True)
class Endorsement:
    """An endorser (serialized identity) and its signature over response payload and itself."""

    endorser: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def identity(self) -> SerializedIdentity:
        """The endorser, parsed.

        Raises:
            IdentityError: The bytes are not a serialized identity.
        """
        return SerializedIdentity.parse(self.endorser)

    def verify(self, response_payload: bytes) -> SerializedIdentity:
        """Check the signature over `response_payload` and return the endorser, whom his MSP has yet to accept.

        Raises:
            IdentityError: The endorser does not parse.
            SignatureError: The signature is not his.
        """
        identity = self.identity
        identity.verify(self.signature, response_payload + self.endorser)
        return identity


def build_response_payload(proposal: Proposal, outcome: Outcome) -> ResponsePayload:
    """Return what an endorser of `proposal` signs when running it gave `outcome`."""
    event = b""
    if outcome.event is not None:
        event = encode(
            chaincode_event_pb2.ChaincodeEvent(
                chaincode_id=outcome.event.chaincode,
                tx_id=outcome.event.tx_id,
                event_name=outcome.event.name,
                payload=outcome.event.payload,
            )
        )
    response = outcome.response
    action = proposal_pb2.ChaincodeAction(
        results=outcome.results,
        events=event,
        response=proposal_response_pb2.Response(
            status=response.status, message=response.message, payload=response.payload
        ),
        chaincode_id=chaincode_pb2.ChaincodeID(name=outcome.chaincode, version=outcome.version),
    )
    payload = proposal_response_pb2.ProposalResponsePayload(proposal_hash=proposal.hash, extension=encode(action))
    return ResponsePayload(proposal.hash, outcome, encode(payload))


def endorse(identity: SigningIdentity, response_payload: bytes) -> Endorsement:
    """Return the endorsement of `response_payload` by `identity`."""
    return Endorsement(identity.serialized, identity.sign(response_payload + identity.serialized))


def _parse_event(data: bytes) -> ChaincodeEvent | None:
    if not data:
        return None
    event = decode(chaincode_event_pb2.ChaincodeEvent, data, "chaincode event")
    if not event.event_name:
        raise EnvelopeError("malformed_event", "an event without a name")
    return ChaincodeEvent(event.chaincode_id, event.tx_id, event.event_name, event.payload)
