"""The gRPC endpoints of the organisations: one TLS server each, on a port that it keeps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import grpc

from countermark.network.embedded.errors import SettingsError
from countermark.network.identities import Organisation
from countermark.network.identities.files import write_file

CALLS: Final = 1024
"""Calls and streams that one endpoint serves at a time; further ones end with RESOURCE_EXHAUSTED."""

_MAX_MESSAGE: Final = 100 * 1024 * 1024
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE),
    ("grpc.max_send_message_length", _MAX_MESSAGE),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    # A second process on the same port must fail, not share it.
    ("grpc.so_reuseport", 0),
)


def listen(organisation: Organisation, host: str, port: int) -> tuple[Any, int]:
    """Return a gRPC server with the organisation's TLS certificate, not yet started, and its port.

    A `port` of 0 takes a free one. The server belongs to the running event loop.

    Raises:
        SettingsError: The port is taken, or the TLS files cannot be read.
    """
    folder = organisation.directory / "tls" / "peer0"
    try:
        pair = ((folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes())
    except OSError as error:
        raise SettingsError("unreadable_tls", f"{error.filename}: {error.strerror}") from error
    server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=CALLS)
    try:
        bound = server.add_secure_port(f"{host}:{port}", grpc.ssl_server_credentials([pair]))
    except RuntimeError as error:
        raise SettingsError("port_taken", f"{host}:{port} for {organisation.msp_id}") from error
    return server, int(bound)


async def release(server: Any) -> None:
    """Give up the port of a `server` that was never started."""
    # gRPC frees the port of a server that has been started and stopped, and of no other.
    await server.start()
    await server.stop(None)


def load_ports(path: Path) -> dict[str, int]:
    """Return the ports by MSP id that were kept in `path`; none before the first start.

    Raises:
        SettingsError: The file is damaged.
    """
    try:
        document = json.loads(path.read_bytes())
        return {str(msp_id): int(port) for msp_id, port in document.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SettingsError("malformed_ports", str(path)) from error


def save_ports(path: Path, ports: Mapping[str, int]) -> None:
    """Keep `ports` by MSP id in `path`."""
    write_file(path, (json.dumps(dict(sorted(ports.items())), indent=2) + "\n").encode())
