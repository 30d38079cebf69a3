"""One stream with a chaincode, from its REGISTER to its end: the peer's side of `protos.Chaincode/Connect`."""

import queue
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, Final

from fabric_protos.peer import chaincode_pb2, proposal_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim_pb2

from countermark.network.embedded.chaincode.requests import WRITES, Session
from countermark.network.embedded.chaincode.runs import Run, Runs
from countermark.network.embedded.errors import ExecutionError, SimulationError
from countermark.network.embedded.simulation import Simulation
from countermark.network.envelopes import Proposal
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError

_Message: Final = shim_pb2.ChaincodeMessage


class ChaincodeStream:
    """The runs that share one stream, told apart by transaction id.

    `outgoing` is what the transport sends; it hands what comes in to `take`, one message after the other.
    """

    def __init__(self, package_id: str) -> None:
        self._package_id = package_id
        self._runs = Runs()
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @property
    def outgoing(self) -> Iterator[Any]:
        """The messages to be sent, as they come, until the stream is closed."""
        return iter(self._queue.get, None)

    def execute(self, proposal: Proposal, simulation: Simulation) -> "Future[Any]":
        """Start `proposal` on the chaincode; the result is its COMPLETED or ERROR message.

        The future raises `ExecutionError` if the stream ends first. Whoever stops waiting calls `abandon`.

        Raises:
            ExecutionError: The stream has ended, or the same transaction runs on it already.
        """
        run = Run(proposal.header.channel, proposal.tx_id, Session(simulation))
        self._runs.add(run)
        self._queue.put(
            _Message(
                type=_Message.TRANSACTION,
                txid=run.tx_id,
                channel_id=run.channel,
                payload=encode(chaincode_pb2.ChaincodeInput(args=proposal.invocation.args)),
                proposal=proposal_pb2.SignedProposal(
                    proposal_bytes=proposal.proposal_bytes, signature=proposal.signature
                ),
            )
        )
        return run.future

    def abandon(self, proposal: Proposal) -> None:
        """Forget a run that took too long; what the chaincode still asks for it is refused."""
        self._runs.pop(proposal.header.channel, proposal.tx_id)

    def take(self, message: Any) -> bool:
        """Handle one message of the chaincode; returns whether it registered with this one.

        Raises:
            ExecutionError: It registered as something else than the package that the channel has agreed on.
        """
        match message.type:
            case _Message.REGISTER:
                self._register(message.payload)
                return True
            case _Message.KEEPALIVE:
                pass
            case _Message.COMPLETED | _Message.ERROR:
                run = self._runs.pop(message.channel_id, message.txid)
                if run is not None:
                    run.future.set_result(message)
            case _:
                self._queue.put(self._answer(message))
        return False

    def close(self) -> None:
        """End `outgoing`, and all runs with an error."""
        self._queue.put(None)
        self._runs.close(ExecutionError("stream_terminated", "chaincode stream terminated"))

    def _register(self, payload: bytes) -> None:
        try:
            name = decode(chaincode_pb2.ChaincodeID, payload, "ChaincodeID").name
        except EnvelopeError as error:
            raise ExecutionError("wrong_package", "the registration does not parse") from error
        if name != self._package_id:
            raise ExecutionError("wrong_package", f"registered as {name!r}, expected {self._package_id!r}")
        offer = chaincode_pb2.ChaincodeAdditionalParams(use_write_batch=True, max_size_write_batch=WRITES)
        self._queue.put(_Message(type=_Message.REGISTERED))
        self._queue.put(_Message(type=_Message.READY, payload=encode(offer)))

    def _answer(self, message: Any) -> Any:
        reply = _Message(txid=message.txid, channel_id=message.channel_id)
        run = self._runs.get(message.channel_id, message.txid)
        try:
            if run is None:
                raise SimulationError("no_ledger_context", "the transaction does not run here")
            reply.payload = run.session.answer(message.type, message.payload)
            reply.type = _Message.RESPONSE
        except SimulationError as error:
            reply.payload = f"request failed: transaction ID: {message.txid}: {error.detail}".encode()
            reply.type = _Message.ERROR
        return reply
