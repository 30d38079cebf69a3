"""The gRPC server that peers dial: options, mutual TLS, and the streams that are open."""

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
from fabric_protos.peer import chaincode_shim_pb2 as shim_pb2

from countermark.chaincode.shim import health
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.stream import MAX_MESSAGE, PeerStream
from countermark.chaincode.shim.stub import Handler

OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    # Peers ping an idle stream every 60 s; by default gRPC would take that for abuse and cut it.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    # And in turn find out about a peer that has vanished.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A second server on the same port must fail, not share it.
    ("grpc.so_reuseport", 0),
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files of a server that admits only clients whose certificate `client_ca` has issued."""

    certificate: Path
    key: Path
    client_ca: Path

    def credentials(self) -> Any:
        """Return gRPC's server credentials.

        Raises:
            ShimError: a file cannot be read.
        """
        try:
            pair = (self.key.read_bytes(), self.certificate.read_bytes())
            roots = self.client_ca.read_bytes()
        except OSError as error:
            raise ShimError(f"TLS material cannot be read: {error.filename}: {error.strerror}") from error
        return grpc.ssl_server_credentials([pair], root_certificates=roots, require_client_auth=True)


@dataclass(slots=True)
class ChaincodeServer:
    """A chaincode as a service: listens for peers and runs a stream for each.

    `ccid` is the package id that peers know; `time_limit_s` bounds each invocation.
    """

    ccid: str
    handler: Handler = field(repr=False)
    time_limit_s: float = 30.0
    _streams: set[PeerStream] = field(default_factory=set, init=False, repr=False)
    _server: Any = field(default=None, init=False, repr=False)

    async def start(self, address: str, tls: Tls) -> int:
        """Listen on `address` ("host:port", port 0 for a free one) and return the port.

        Raises:
            ShimError: the address is taken or the TLS material cannot be used.
        """
        server = grpc.aio.server(options=OPTIONS)
        connect = grpc.stream_stream_rpc_method_handler(
            self._connect,
            request_deserializer=shim_pb2.ChaincodeMessage.FromString,
            response_serializer=shim_pb2.ChaincodeMessage.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("protos.Chaincode", {"Connect": connect}), health.handler())
        )
        try:
            port: int = server.add_secure_port(address, tls.credentials())
        except RuntimeError as error:
            raise ShimError(f"cannot listen on {address}") from error
        await server.start()
        self._server = server
        return port

    async def stop(self, grace_s: float) -> None:
        """Refuse new invocations, let running ones end within `grace_s` seconds, then close every stream."""
        # The server takes no new stream from here on, and cuts off after the grace what has not ended by then.
        await asyncio.gather(self._server.stop(grace_s), *(stream.drain() for stream in self._streams))

    async def _connect(self, _messages: Any, context: Any) -> None:
        stream = PeerStream(self.ccid, self.handler, context, time_limit_s=self.time_limit_s)
        self._streams.add(stream)
        _log.info("stream opened by %s", context.peer())
        try:
            await stream.serve()
        except ShimError as error:
            _log.warning("stream of %s: %s", context.peer(), error)
        finally:
            self._streams.discard(stream)
            _log.info("stream of %s ended", context.peer())
