"""Proposals, endorsements, transactions and requests for blocks: building, signing, parsing."""

from countermark.network.envelopes.endorsements import (
    ChaincodeEvent,
    Endorsement,
    Outcome,
    Response,
    ResponsePayload,
    build_response_payload,
    endorse,
)
from countermark.network.envelopes.headers import Header, HeaderType, build_header, client_time_ms, compute_tx_id
from countermark.network.envelopes.proposals import Invocation, Proposal, build_proposal, proposal_hash
from countermark.network.envelopes.seeks import FOREVER, Edge, Seek, build_seek
from countermark.network.envelopes.statuses import TRAILER, ErrorDetail, RpcStatus
from countermark.network.envelopes.transactions import (
    EndorsedTransaction,
    Envelope,
    assemble,
    build_payload,
    sign_payload,
)

__all__ = [
    "FOREVER",
    "TRAILER",
    "ChaincodeEvent",
    "Edge",
    "EndorsedTransaction",
    "Endorsement",
    "Envelope",
    "ErrorDetail",
    "Header",
    "HeaderType",
    "Invocation",
    "Outcome",
    "Proposal",
    "Response",
    "ResponsePayload",
    "RpcStatus",
    "Seek",
    "assemble",
    "build_header",
    "build_payload",
    "build_proposal",
    "build_response_payload",
    "build_seek",
    "client_time_ms",
    "compute_tx_id",
    "endorse",
    "proposal_hash",
    "sign_payload",
]
