"""protos.Endorser: one organisation runs and endorses a proposal, for clients that collect endorsements themselves.

Such clients also ask the peer's own chaincodes for blocks and channels here. As Fabric's peers do, a proposal that is
no proposal ends the call with an error; one that fails is answered with the status that says so, without endorsement.
"""

from typing import Any, Final

import grpc
from fabric_protos.peer import peer_pb2_grpc, proposal_response_pb2

from countermark.network.embedded import systemchaincodes
from countermark.network.embedded.endorsement import Endorser, Gatekeeper, Simulated
from countermark.network.embedded.errors import ExecutionError, ProposalError
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.services.statuses import CallError, abort
from countermark.network.embedded.simulation import Results
from countermark.network.embedded.systemchaincodes import SystemChaincodes
from countermark.network.envelopes import Outcome, Proposal, Response
from countermark.network.envelopes.wire import encode
from countermark.network.errors import EnvelopeError

_REFUSED: Final = 400
"""Answers of a chaincode with this status or above are not endorsed."""

_FAILED: Final = 500


class EndorserService(peer_pb2_grpc.EndorserServicer):  # type: ignore[misc] # generated without types
    """The endorser of one organisation, for its own and other organisations' clients."""

    def __init__(
        self, endorser: Endorser, *, gatekeeper: Gatekeeper, ledger: Ledger, system: SystemChaincodes
    ) -> None:
        self._endorser = endorser
        self._gatekeeper = gatekeeper
        self._ledger = ledger
        self._system = system

    async def ProcessProposal(self, request: Any, context: Any) -> Any:  # noqa: N802 - Fabric's name
        """Run a proposal and return what came of it, endorsed if it is a success."""
        try:
            proposal = Proposal.parse(encode(request))
            if proposal.header.chaincode in systemchaincodes.NAMES:
                return await self._query(proposal)
            return await self._run(proposal)
        except (EnvelopeError, ProposalError) as error:
            if isinstance(error, ProposalError) and error.code == "no_such_channel":
                return _answer(Response(_FAILED, message=error.detail))
            detail = error.detail if isinstance(error, ProposalError) else str(error)
            await abort(context, CallError(grpc.StatusCode.UNKNOWN, detail))

    async def _run(self, proposal: Proposal) -> Any:
        creator = self._gatekeeper.admit(proposal)
        try:
            with self._ledger.state.snapshots.take() as view:
                run = await self._endorser.run(proposal, creator, view)
                if run.response.status >= _REFUSED:
                    return _answer(run.response)
                simulated = self._endorser.conclude(run)
        except ExecutionError as error:
            return _answer(Response(_FAILED, message=f"error in simulation: {error.detail}"))
        return await self._endorsed(proposal, simulated)

    async def _query(self, proposal: Proposal) -> Any:
        self._gatekeeper.admit_query(proposal)
        name = proposal.header.chaincode
        response = self._system.call(name, proposal.invocation.args)
        if response.status >= _REFUSED or not proposal.header.channel:
            return _answer(response)
        outcome = Outcome(response, b"", name, systemchaincodes.VERSION)
        return await self._endorsed(proposal, Simulated(outcome, Results.nothing()))

    async def _endorsed(self, proposal: Proposal, simulated: Simulated) -> Any:
        payload, endorsement = await self._endorser.endorse(proposal, simulated)
        answer = _answer(simulated.outcome.response)
        answer.payload = payload.serialized
        answer.endorsement.endorser = endorsement.endorser
        answer.endorsement.signature = endorsement.signature
        return answer


def _answer(response: Response) -> Any:
    return proposal_response_pb2.ProposalResponse(
        version=1,
        response=proposal_response_pb2.Response(
            status=response.status, message=response.message, payload=response.payload
        ),
    )
