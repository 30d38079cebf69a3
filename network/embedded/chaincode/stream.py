"""One stream with a chaincode, from its REGISTER to its end: the peer's side of `protos.Chaincode/Connect`."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from fabric_protos.peer import chaincode_pb2, proposal_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim_pb2

from countermark.network.embedded.chaincode.requests import READS, WRITES, Session
from countermark.network.embedded.chaincode.runs import Run, Runs
from countermark.network.embedded.errors import ExecutionError, SimulationError
from countermark.network.embedded.simulation import Simulation
from countermark.network.envelopes import Proposal
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError

_Message: Final = shim_pb2.ChaincodeMessage


class ChaincodeStream:
    """The runs that share one stream, told apart by transaction id.

    `send` puts a message on the stream; the transport hands what comes in to `take`, one message after the other. All
    of it happens in one event loop.
    """

    def __init__(self, package_id: str, send: Callable[[Any], None]) -> None:
        self._package_id = package_id
        self._send = send
        self._runs = Runs()

    async def execute(self, proposal: Proposal, simulation: Simulation) -> Any:
        """Run `proposal` on the chaincode and return its COMPLETED or ERROR message.

        A run that is cancelled is forgotten: what the chaincode still asks for it is refused.

        Raises:
            ExecutionError: The stream ended, or the same transaction runs on it already.
        """
        future = asyncio.get_running_loop().create_future()
        run = Run(proposal.header.channel, proposal.tx_id, Session(simulation), future)
        self._runs.add(run)
        try:
            self._send(
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
            return await future
        finally:
            self._runs.discard(run)

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
                run = self._runs.get(message.channel_id, message.txid)
                if run is not None and not run.future.done():
                    run.future.set_result(message)
            case _:
                self._send(self._answer(message))
        return False

    def close(self) -> None:
        """End all runs with an error."""
        self._runs.fail_all(ExecutionError("stream_terminated", "chaincode stream terminated"))

    def _register(self, payload: bytes) -> None:
        try:
            name = decode(chaincode_pb2.ChaincodeID, payload, "ChaincodeID").name
        except EnvelopeError as error:
            raise ExecutionError("wrong_package", "the registration does not parse") from error
        if name != self._package_id:
            raise ExecutionError("wrong_package", f"registered as {name!r}, expected {self._package_id!r}")
        offer = chaincode_pb2.ChaincodeAdditionalParams(
            use_write_batch=True,
            max_size_write_batch=WRITES,
            use_get_multiple_keys=True,
            max_size_get_multiple_keys=READS,
        )
        self._send(_Message(type=_Message.REGISTERED))
        self._send(_Message(type=_Message.READY, payload=encode(offer)))

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
