"""The TLS connection to a peer or an orderer: opened when first needed, once per process.

gRPC does not survive a fork, so a server that forks its workers gets a connection in each of them.
"""

import os
import threading
from dataclasses import dataclass
from typing import Any

import grpc
from fabric_protos.gateway import gateway_pb2_grpc
from fabric_protos.orderer import ab_pb2_grpc
from fabric_protos.peer import events_pb2_grpc

MAX_MESSAGE_BYTES = 100 * 1024 * 1024

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # Peers refuse pings that come more often than once a minute.
    ("grpc.keepalive_time_ms", 75_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A restarted peer is back within seconds; the default backs off to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


@dataclass(frozen=True, slots=True)
class Services:
    """The generated stubs of a node's services on one connection; peers have the first two, orderers the third."""

    gateway: Any
    deliver: Any
    ordering: Any


class NodeChannel:
    """A gRPC channel to `target` (host:port), verified against `tls_ca` (PEM); safe to use from many threads."""

    def __init__(self, target: str, tls_ca: bytes, host_override: str = "") -> None:
        self._target = target
        self._tls_ca = tls_ca
        self._options = list(_OPTIONS)
        if host_override:
            self._options.append(("grpc.ssl_target_name_override", host_override))
        self._lock = threading.Lock()
        self._channel: Any = None
        self._services: Services | None = None
        self._pid = 0

    def services(self) -> Services:
        """Return the node's services on the connection of this process, which is opened if there is none."""
        with self._lock:
            if self._services is None or self._pid != os.getpid():
                credentials = grpc.ssl_channel_credentials(root_certificates=self._tls_ca)
                self._channel = grpc.secure_channel(self._target, credentials, options=self._options)
                self._services = Services(
                    gateway_pb2_grpc.GatewayStub(self._channel),
                    events_pb2_grpc.DeliverStub(self._channel),
                    ab_pb2_grpc.AtomicBroadcastStub(self._channel),
                )
                self._pid = os.getpid()
            return self._services

    def close(self) -> None:
        """Close the connection and end all calls on it; `services` opens a new one."""
        with self._lock:
            if self._channel is not None and self._pid == os.getpid():
                self._channel.close()
            self._channel = self._services = None
