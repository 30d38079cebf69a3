"""gateway.Gateway: evaluate, endorse, submit, wait for the outcome, follow events."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import chaincode_event_pb2, proposal_response_pb2

from countermark.faults import InjectedFault, Point, reach
from countermark.network.blocks import Block, parse_block
from countermark.network.embedded.collecting import Collector
from countermark.network.embedded.endorsement import Gatekeeper, clock_ms
from countermark.network.embedded.errors import ProposalError
from countermark.network.embedded.following import Followers
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.membership import READERS, Membership
from countermark.network.embedded.ordering import Orderer
from countermark.network.embedded.services.broadcast import refusal_status
from countermark.network.embedded.services.statuses import CallError, abort
from countermark.network.envelopes import ErrorDetail, Proposal
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError, NetworkError
from countermark.network.identities import Member

_STOPPING: Final = "the peer is stopping"


class GatewayService(gateway_pb2_grpc.GatewayServicer):  # type: ignore[misc] # generated without types
    """The gateway of the organisation `msp_id`; `address` is what its errors name."""

    def __init__(
        self,
        msp_id: str,
        address: str,
        channel: str,
        *,
        gatekeeper: Gatekeeper,
        collector: Collector,
        orderer: Orderer,
        ledger: Ledger,
        followers: Followers,
        membership: Membership,
    ) -> None:
        self._msp_id = msp_id
        self._address = address
        self._channel = channel
        self._gatekeeper = gatekeeper
        self._collector = collector
        self._orderer = orderer
        self._ledger = ledger
        self._followers = followers
        self._membership = membership

    async def Evaluate(self, request: Any, context: Any) -> Any:  # noqa: N802 - Fabric's name
        """Run a proposal on one peer and return its answer."""
        try:
            proposal, creator = self._admit(request.proposed_transaction, grpc.StatusCode.FAILED_PRECONDITION)
            response = await self._collector.evaluate(
                self._msp_id, proposal, creator, list(request.target_organizations)
            )
        except CallError as error:
            await abort(context, error)
        return gateway_pb2.EvaluateResponse(
            result=proposal_response_pb2.Response(
                status=response.status, message=response.message, payload=response.payload
            )
        )

    async def Endorse(self, request: Any, context: Any) -> Any:  # noqa: N802 - Fabric's name
        """Have a proposal endorsed and return the transaction for the client to sign."""
        try:
            proposal, creator = self._admit(request.proposed_transaction, grpc.StatusCode.ABORTED)
            payload = await self._collector.endorse(
                self._msp_id, proposal, creator, list(request.endorsing_organizations)
            )
            with _answer_lost():
                reach(Point.PROPOSAL_SIMULATED)
        except CallError as error:
            await abort(context, error)
        return gateway_pb2.EndorseResponse(prepared_transaction=common_pb2.Envelope(payload=payload))

    async def Submit(self, request: Any, context: Any) -> Any:  # noqa: N802 - Fabric's name
        """Hand a signed transaction to the ordering service."""
        if not request.prepared_transaction.signature:
            await abort(context, CallError(grpc.StatusCode.INVALID_ARGUMENT, "prepared transaction must be signed"))
        try:
            with _answer_lost():
                self._orderer.submit(encode(request.prepared_transaction), now_ms=clock_ms())
                reach(Point.SUBMIT_ANSWERED)
        except CallError as error:
            await abort(context, error)
        except NetworkError as error:
            status = refusal_status(error)
            busy = status == common_pb2.SERVICE_UNAVAILABLE
            code = grpc.StatusCode.UNAVAILABLE if busy else grpc.StatusCode.ABORTED
            name = common_pb2.Status.Name(status)
            message = f"received unsuccessful response from orderer: status={name}, info={error}"
            await abort(context, CallError(code, message, [self._detail(message)]))
        return gateway_pb2.SubmitResponse()

    async def CommitStatus(self, request: Any, context: Any) -> Any:  # noqa: N802 - Fabric's name
        """Wait until a transaction is committed and return its validation code and block."""
        try:
            asked = self._signed(gateway_pb2.CommitStatusRequest, request)
            if not asked.transaction_id:
                raise CallError(grpc.StatusCode.INVALID_ARGUMENT, "transaction ID should not be empty")
            outcome = await self._followers.outcome(asked.transaction_id)
            if outcome is None:
                raise CallError(grpc.StatusCode.UNAVAILABLE, _STOPPING)
            with _answer_lost():
                reach(Point.STATUS_KNOWN)
        except CallError as error:
            await abort(context, error)
        return gateway_pb2.CommitStatusResponse(result=outcome.code, block_number=outcome.block)

    async def ChaincodeEvents(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - Fabric's name
        """Yield the chaincode's events block by block, of valid transactions, and follow the ledger."""
        try:
            asked = self._signed(gateway_pb2.ChaincodeEventsRequest, request)
            start = self._first_block(asked)
        except CallError as error:
            await abort(context, error)
        after = asked.after_transaction_id
        number = start
        while await self._followers.wait_block(number):
            events, after = _events(parse_block(self._ledger.block(number)), asked.chaincode_id, after)
            if events:
                yield gateway_pb2.ChaincodeEventsResponse(events=events, block_number=number)
            number += 1
        await abort(context, CallError(grpc.StatusCode.UNAVAILABLE, _STOPPING))

    def _admit(self, signed: Any, refused: grpc.StatusCode) -> tuple[Proposal, Member]:
        try:
            proposal = Proposal.parse(encode(signed))
        except NetworkError as error:
            raise CallError(
                grpc.StatusCode.INVALID_ARGUMENT, f"failed to unpack transaction proposal: {error}"
            ) from error
        try:
            return proposal, self._gatekeeper.admit(proposal)
        except ProposalError as error:
            raise CallError(refused, error.detail, [self._detail(error.detail)]) from error

    def _signed(self, kind: type[Any], request: Any) -> Any:
        """Return the inner message of a signed request of type `kind`, its signature checked."""
        try:
            asked = decode(kind, request.request, "request")
        except EnvelopeError as error:
            raise CallError(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error
        if asked.channel_id != self._channel:
            raise CallError(grpc.StatusCode.NOT_FOUND, f"channel '{asked.channel_id}' not found")
        try:
            self._membership.authenticate(
                asked.identity, request.signature, request.request, at_ms=clock_ms(), roles=READERS
            )
        except NetworkError as error:
            raise CallError(grpc.StatusCode.PERMISSION_DENIED, str(error)) from error
        return asked

    def _first_block(self, asked: Any) -> int:
        if asked.after_transaction_id:
            row = self._ledger.transaction(asked.after_transaction_id)
            if row is not None:
                return row.version[0]
        kind = asked.start_position.WhichOneof("Type")
        if kind in (None, "next_commit"):
            return self._followers.height
        if kind == "specified":
            return int(asked.start_position.specified.number)
        raise CallError(grpc.StatusCode.INVALID_ARGUMENT, f"invalid start position type: {kind}")

    def _detail(self, message: str) -> ErrorDetail:
        return ErrorDetail(self._address, self._msp_id, message)


@contextmanager
def _answer_lost() -> Iterator[None]:
    """Have the client told what it sees when an answer is lost on its way, where a test wants that: the work is done.

    Raises:
        CallError: UNAVAILABLE instead of InjectedFault.
    """
    try:
        yield
    except InjectedFault as fault:
        raise CallError(grpc.StatusCode.UNAVAILABLE, "the connection was lost") from fault


def _events(block: Block, chaincode: str, after: str) -> tuple[list[Any], str]:
    """Return the events of `chaincode` in `block`, and which transaction is still to be passed first."""
    events = []
    for transaction in block.transactions:
        if after:
            after = "" if transaction.tx_id == after else after
            continue
        event = transaction.event
        if transaction.valid and event is not None and event.chaincode == chaincode:
            events.append(
                chaincode_event_pb2.ChaincodeEvent(
                    chaincode_id=event.chaincode, tx_id=event.tx_id, event_name=event.name, payload=event.payload
                )
            )
    return events, after
