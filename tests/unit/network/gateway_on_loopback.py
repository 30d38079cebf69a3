"""A peer's Gateway and Deliver services on loopback: real TLS, real endorsements, real blocks, scripted failures."""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import events_pb2, events_pb2_grpc

from countermark.network.blocks import Block
from countermark.network.client import ConnectionProfile, Timeouts
from countermark.network.envelopes import (
    FOREVER,
    TRAILER,
    ChaincodeEvent,
    Edge,
    Envelope,
    ErrorDetail,
    Invocation,
    Outcome,
    Proposal,
    Response,
    RpcStatus,
    Seek,
    assemble,
    build_response_payload,
    endorse,
)
from countermark.network.identities import SerializedIdentity
from countermark.protocol.errors import ErrorCode, MarketError
from tests.unit.network.consortium import CHAINCODE, CHANNEL, Network

Contract = Callable[[Invocation, Mapping[str, bytes]], Response]
Twist = Callable[[Any], Any]


def chaincode_refusal(message: str, msp_id: str = "PlatformMSP") -> RpcStatus:
    """The status with which a gateway passes a contract's error on."""
    detail = ErrorDetail("peer0:7051", msp_id, f"chaincode response 500, {message}")
    return RpcStatus(
        grpc.StatusCode.ABORTED.value[0], "failed to endorse transaction, see attached details", (detail,)
    )


class LoopbackPeer(gateway_pb2_grpc.GatewayServicer, events_pb2_grpc.DeliverServicer):
    """One organisation's peer that orders each transaction into a block of its own at once.

    `failures[method]` are statuses that the next calls of that method get; `twists[method]` changes its answers;
    `held` makes transactions stay uncommitted until `release`. From `hang` to `wake` it answers nobody, as a process
    that was stopped: connections stand, and calls are taken.
    """

    def __init__(self, network: Network, contract: Contract) -> None:
        self.network = network
        self.contract = contract
        self.calls: dict[str, list[Any]] = defaultdict(list)
        self.failures: dict[str, deque[RpcStatus]] = defaultdict(deque)
        self.twists: dict[str, Twist] = {}
        self.codes: deque[int] = deque()
        self.held = False
        self.hanging = threading.Event()  # set when a call waits for something that will not come
        self._blocks: list[Block] = [network.genesis()]
        self._waiting: list[bytes] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._awake = threading.Event()
        self._awake.set()
        self._server = grpc.server(ThreadPoolExecutor(16))
        gateway_pb2_grpc.add_GatewayServicer_to_server(self, self._server)
        events_pb2_grpc.add_DeliverServicer_to_server(self, self._server)
        pair = (network.tls.key_file.read_bytes(), network.tls.certificate_file.read_bytes())
        self.port = self._server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        self._server.start()

    def profile(self, client: str = "platform", **changes: Any) -> ConnectionProfile:
        organisation = self.network.organisations[client]
        folder = organisation.directory / "identities/gateway"
        values: dict[str, Any] = {
            "msp_id": organisation.msp_id,
            "channel": CHANNEL,
            "chaincode": CHAINCODE,
            "gateway": f"127.0.0.1:{self.port}",
            "host_override": "peer0.platform.example",
            "tls_ca_file": self.network.organisations["platform"].tls_ca_file,
            "cert_file": folder / "cert.pem",
            "key_file": folder / "key.pem",
        }
        return ConnectionProfile(**{**values, **changes})

    def release(self) -> None:
        """Commit what was held."""
        with self._changed:
            self.held = False
            waiting, self._waiting = self._waiting, []
        for envelope in waiting:
            self._commit(envelope)

    def hang(self) -> None:
        self._awake.clear()

    def wake(self) -> None:
        self._awake.set()

    def wait_calls(self, method: str, count: int) -> None:
        """Wait until `method` has been called `count` times in all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls[method]) >= count, 20), self.calls[method]

    def stop(self) -> None:
        self.wake()
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._server.stop(0).wait()

    # The Gateway service

    def Evaluate(self, request: Any, context: Any) -> Any:  # noqa: N802  # named by the service
        self._begin("Evaluate", request, context)
        proposal = self._proposal(request)
        response = self._run(proposal, context)
        return self._answer("Evaluate", gateway_pb2.EvaluateResponse(result=_wire_response(response)))

    def Endorse(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._begin("Endorse", request, context)
        proposal = self._proposal(request)
        response = self._run(proposal, context)
        event = ChaincodeEvent(CHAINCODE, proposal.tx_id, proposal.invocation.function, b"{}")
        payload = build_response_payload(proposal, Outcome(response, b"", CHAINCODE, "1.0", event)).serialized
        endorsements = [endorse(self.network.peer(name), payload) for name in ("platform", "supervisor")]
        prepared = common_pb2.Envelope(payload=assemble(proposal, payload, endorsements))
        return self._answer("Endorse", gateway_pb2.EndorseResponse(prepared_transaction=prepared))

    def Submit(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._begin("Submit", request, context)
        envelope = Envelope.parse(request.prepared_transaction.SerializeToString())
        envelope.verify_signature()
        with self._changed:
            if self.held:
                self._waiting.append(envelope.serialized)
                return gateway_pb2.SubmitResponse()
        self._commit(envelope.serialized)
        return gateway_pb2.SubmitResponse()

    def CommitStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._begin("CommitStatus", request, context)
        wanted = gateway_pb2.CommitStatusRequest.FromString(request.request)
        SerializedIdentity.parse(wanted.identity).verify(request.signature, request.request)

        def find() -> Any:
            for block in self._blocks:
                for one in block.transactions:
                    if one.tx_id == wanted.transaction_id:
                        return gateway_pb2.CommitStatusResponse(result=one.validation_code, block_number=block.number)
            return None

        return self._wait(find, context)

    def ChaincodeEvents(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self._begin("ChaincodeEvents", request, context)
        wanted = gateway_pb2.ChaincodeEventsRequest.FromString(request.request)
        SerializedIdentity.parse(wanted.identity).verify(request.signature, request.request)
        start = (
            wanted.start_position.specified.number
            if wanted.start_position.HasField("specified")
            else len(self._blocks)
        )
        for block in self._follow(start, FOREVER, context):
            events = [one.event for one in block.transactions if one.valid and one.event]
            yield gateway_pb2.ChaincodeEventsResponse(
                block_number=block.number,
                events=[
                    {
                        "chaincode_id": one.chaincode,
                        "tx_id": one.tx_id,
                        "event_name": one.name,
                        "payload": one.payload,
                    }
                    for one in events
                ],
            )

    # The Deliver service

    def Deliver(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802
        envelope = Envelope.parse(next(requests).SerializeToString())
        self._begin("Deliver", envelope, context)
        envelope.verify_signature()
        seek = Seek.parse(envelope)
        newest = len(self._blocks) - 1
        start, stop = (newest if isinstance(one, Edge) else one for one in (seek.start, seek.stop))
        for block in self._follow(start, stop, context):
            wire = common_pb2.Block.FromString(block.serialized)
            yield self._answer("Deliver", events_pb2.DeliverResponse(block=wire))
        if self._stopped:
            context.abort(grpc.StatusCode.UNAVAILABLE, "stopping")
        yield self._answer("Deliver", events_pb2.DeliverResponse(status=common_pb2.SUCCESS))

    # What they share

    def _begin(self, method: str, request: Any, context: Any) -> None:
        with self._changed:
            self.calls[method].append(request)
            self._changed.notify_all()
        self._awake.wait()
        if self.failures[method]:
            self._abort(self.failures[method].popleft(), context)

    def _abort(self, status: RpcStatus, context: Any) -> None:
        if status.details:
            context.set_trailing_metadata(((TRAILER, status.serialized),))
        code = next(one for one in grpc.StatusCode if one.value[0] == status.code)
        context.abort(code, status.message)

    def _answer(self, method: str, message: Any) -> Any:
        return self.twists[method](message) if method in self.twists else message

    def _proposal(self, request: Any) -> Proposal:
        proposal = Proposal.parse(request.proposed_transaction.SerializeToString())
        proposal.verify_signature()
        assert (request.transaction_id, request.channel_id) == (proposal.tx_id, CHANNEL)
        return proposal

    def _run(self, proposal: Proposal, context: Any) -> Response:
        response = self.contract(proposal.invocation, proposal.transient)
        if response.status >= 400:
            self._abort(chaincode_refusal(response.message), context)
        return response

    def _commit(self, envelope: bytes) -> None:
        with self._changed:
            code = self.codes.popleft() if self.codes else 0
            last = self._blocks[-1]
            self._blocks.append(self.network.block(last.number + 1, last.header_hash, [envelope], [code]))
            self._changed.notify_all()

    def _follow(self, start: int, stop: int, context: Any) -> Iterator[Block]:
        number = start
        while number <= stop:
            block = self._wait(lambda at=number: self._blocks[at] if at < len(self._blocks) else None, context)
            if block is None:
                return
            yield block
            number += 1

    def _wait(self, find: Callable[[], Any], context: Any) -> Any:
        def wake() -> None:
            with self._changed:
                self._changed.notify_all()

        context.add_callback(wake)  # the client went away or its deadline passed
        with self._changed:
            while (found := find()) is None and context.is_active() and not self._stopped:
                self.hanging.set()
                self._changed.wait()
            return found


def _wire_response(response: Response) -> dict[str, Any]:
    return {"status": response.status, "message": response.message, "payload": response.payload}


TIMEOUTS = Timeouts(evaluate=20, endorse=20, submit=20, commit_status=20)


def contract(invocation: Invocation, transient: Mapping[str, bytes]) -> Response:
    """Answer with what was given, and refuse what asks for it."""
    if invocation.function == "refuse":
        return Response(500, message=MarketError(ErrorCode.WRONG_STATE, "not now").to_json().decode())
    if invocation.function == "crash":
        return Response(500, message="KeyError: 'x'")
    given = {"args": [one.decode() for one in invocation.args[1:]], "transient": sorted(transient)}
    return Response(200, json.dumps(given).encode())
