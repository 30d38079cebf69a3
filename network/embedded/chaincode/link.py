"""The connection of one organisation's peer to its chaincode server: mutual TLS, dialled again whenever it ends."""

import logging
import threading
from concurrent.futures import Future
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
    """Keeps a stream to `server` for the peer of `msp_id`, and runs the chaincode over it; safe from any thread."""

    def __init__(self, msp_id: str, server: ChaincodeServer) -> None:
        self.msp_id = msp_id
        self._server = server
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._state = threading.Condition()
        self._stream: ChaincodeStream | None = None
        self._call: Any = None
        self._thread = threading.Thread(target=self._keep_connected, name=f"chaincode-{msp_id}", daemon=True)

    @property
    def ready(self) -> bool:
        """True while the chaincode is registered."""
        return self._stream is not None

    def start(self) -> None:
        """Begin to dial."""
        self._thread.start()

    def wait(self, *, ready: bool, timeout_s: float) -> bool:
        """Wait until the chaincode is registered, or not any more; False if it is still the other way round then."""
        with self._state:
            return self._state.wait_for(lambda: self.ready is ready, timeout_s)

    def execute(self, proposal: Proposal, simulation: Simulation) -> "Future[Any]":
        """Start `proposal` on the chaincode; see `ChaincodeStream.execute`.

        Raises:
            ExecutionError: The chaincode is away, or runs this transaction already.
        """
        stream = self._stream
        if stream is None:
            self._wanted.set()
            raise ExecutionError(
                "chaincode_away",
                f"could not launch chaincode {self._server.package_id}: no connection to {self._server.address}",
            )
        return stream.execute(proposal, simulation)

    def abandon(self, proposal: Proposal) -> None:
        """Forget a run that took too long."""
        stream = self._stream
        if stream is not None:
            stream.abandon(proposal)

    def stop(self) -> None:
        """End the stream and wait for its thread; runs under way fail."""
        self._stopping.set()
        self._wanted.set()
        with self._state:
            if self._call is not None:
                self._call.cancel()
        if self._thread.ident is not None:
            self._thread.join()

    def _keep_connected(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopping.is_set():
            served = self._connect()
            wait_s = _FIRST_WAIT_S if served else min(wait_s * 2, _LONGEST_WAIT_S)
            # Whoever wants the chaincode meanwhile gets an error at once, and it is dialled at once.
            self._wanted.wait(wait_s)
            self._wanted.clear()

    def _connect(self) -> bool:
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
        stream = ChaincodeStream(server.package_id)
        with grpc.secure_channel(server.address, credentials, options=options) as channel:
            with self._state:
                if self._stopping.is_set():
                    return False
                call = self._call = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect(stream.outgoing)
            try:
                for message in call:
                    if stream.take(message):
                        self._publish(stream)
            except grpc.RpcError as error:
                # Only the end of a stream that worked is news; a server that is away is asked again and again.
                level = logging.WARNING if self.ready and not self._stopping.is_set() else logging.DEBUG
                _LOGGER.log(level, "chaincode stream of %s ended: %s", self.msp_id, error.details())
            except ExecutionError as error:
                _LOGGER.error("chaincode of %s: %s", self.msp_id, error)
            finally:
                served = self.ready
                self._publish(None)
                stream.close()
                call.cancel()
        return served

    def _publish(self, stream: ChaincodeStream | None) -> None:
        with self._state:
            self._stream = stream
            self._state.notify_all()
        if stream is not None:
            _LOGGER.info("chaincode of %s at %s is ready", self.msp_id, self._server.address)
