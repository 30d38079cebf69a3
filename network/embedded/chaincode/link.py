"""The connection of one organisation's peer to its chaincode server: mutual TLS, dialled again whenever it ends."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from fabric_protos.peer import chaincode_shim_pb2_grpc

from countermark.network.embedded.chaincode.stream import ChaincodeStream
from countermark.network.embedded.errors import ExecutionError
from countermark.network.embedded.simulation import Simulation
from countermark.network.envelopes import Proposal

_LOGGER = logging.getLogger(__name__)
_MAX_MESSAGE: Final = 100 * 1024 * 1024
_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class ChaincodeServer:
    """Where a chaincode server is and how to trust it; `host_override` is the name in its certificate."""

    address: str
    host_override: str
    package_id: str
    """Id of the package that it must register as."""
    root_certificate: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)


class ChaincodeLink:
    """Keeps a stream to `server` for the peer of `msp_id` and runs the chaincode over it; lives in one event loop."""

    def __init__(self, msp_id: str, server: ChaincodeServer) -> None:
        self.msp_id = msp_id
        self._server = server
        self._stopping = False
        self._wanted = asyncio.Event()
        self._registered = asyncio.Event()
        self._stream: ChaincodeStream | None = None
        self._dialling: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """True while the chaincode is registered."""
        return self._stream is not None

    def start(self) -> None:
        """Begin to dial."""
        self._dialling = asyncio.get_running_loop().create_task(self._keep_connected())

    async def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the chaincode is registered; False if it is not by then."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._registered.wait(), timeout_s)
        return self.ready

    async def execute(self, proposal: Proposal, simulation: Simulation) -> Any:
        """Run `proposal` on the chaincode; see `ChaincodeStream.execute`.

        Raises:
            ExecutionError: The chaincode is away, breaks off, or runs this transaction already.
        """
        if self._stream is None:
            self._wanted.set()
            raise ExecutionError(
                "chaincode_away",
                f"could not launch chaincode {self._server.package_id}: no connection to {self._server.address}",
            )
        return await self._stream.execute(proposal, simulation)

    async def stop(self) -> None:
        """End the stream; runs under way fail."""
        # Cancelling alone is not enough: gRPC swallows a cancellation that meets a call which is about to fail.
        self._stopping = True
        self._wanted.set()
        if self._dialling is not None:
            self._dialling.cancel()
            with suppress(asyncio.CancelledError):
                await self._dialling

    async def _keep_connected(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopping:
            served = await self._connect()
            wait_s = _FIRST_WAIT_S if served else min(wait_s * 2, _LONGEST_WAIT_S)
            # Whoever wants the chaincode meanwhile gets an error at once, and it is dialled at once.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), wait_s)
            self._wanted.clear()

    async def _connect(self) -> bool:
        """Serve one stream until it ends; returns whether the chaincode had registered."""
        server = self._server
        credentials = grpc.ssl_channel_credentials(server.root_certificate, server.key, server.certificate)
        options = (
            ("grpc.ssl_target_name_override", server.host_override),
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
            ("grpc.keepalive_time_ms", 60_000),
            # Channels to the same address share a connection and its backoff; each attempt is to be one of its own.
            ("grpc.use_local_subchannel_pool", 1),
        )
        outgoing: asyncio.Queue[Any] = asyncio.Queue()
        stream = ChaincodeStream(server.package_id, outgoing.put_nowait)
        async with grpc.aio.secure_channel(server.address, credentials, options=options) as channel:
            call = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
            writing = asyncio.get_running_loop().create_task(_write(call, outgoing))
            try:
                while (message := await call.read()) is not grpc.aio.EOF:
                    if stream.take(message):
                        self._publish(stream)
            except grpc.aio.AioRpcError as error:
                # Only the end of a stream that worked is news; a server that is away is asked again and again.
                level = logging.WARNING if self.ready else logging.DEBUG
                _LOGGER.log(level, "chaincode stream of %s ended: %s", self.msp_id, error.details())
            except ExecutionError as error:
                _LOGGER.error("chaincode of %s: %s", self.msp_id, error)
            finally:
                served = self.ready
                self._publish(None)
                stream.close()
                writing.cancel()
                call.cancel()
        return served

    def _publish(self, stream: ChaincodeStream | None) -> None:
        self._stream = stream
        if stream is None:
            self._registered.clear()
        else:
            self._registered.set()
            _LOGGER.info("chaincode of %s at %s is ready", self.msp_id, self._server.address)


async def _write(call: Any, outgoing: "asyncio.Queue[Any]") -> None:
    """Send what is in `outgoing`, one message after the other, as gRPC wants it."""
    with suppress(grpc.aio.BaseError, asyncio.InvalidStateError):  # whoever reads the stream learns why it ended
        while True:
            await call.write(await outgoing.get())
