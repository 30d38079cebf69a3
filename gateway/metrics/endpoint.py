"""The figures of a process that has no HTTP of its own, for Prometheus alone."""

from dataclasses import dataclass
from typing import Self

from prometheus_client import start_http_server

from countermark.gateway.metrics.registry import Metrics
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError

LOOPBACK = "127.0.0.1"

_PORT = fields.integer(1, 65_535)


@dataclass(frozen=True)
class Address:
    """Where figures are served, over plain HTTP: they name no party, but are for the operator's own network."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: object) -> Self:
        """Return the address in `host:port`, or in `port` alone, which is that of the loopback interface.

        Raises:
            MarketError: MALFORMED_REQUEST.
        """
        host, _, port = fields.text(270)(value).rpartition(":")
        if not port.isascii() or not port.isdigit():
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "host:port is expected")
        return cls(host.strip("[]") or LOOPBACK, _PORT(int(port)))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Endpoint:
    """Serves the figures until it is stopped."""

    def __init__(self, metrics: Metrics, address: Address) -> None:
        """Listen.

        Raises:
            MarketError: MALFORMED_REQUEST; nobody can listen there.
        """
        try:
            self._server, self._thread = start_http_server(address.port, address.host, metrics.registry)
        except OSError as error:
            detail = f"no figures can be served at {address}: {error.strerror}"
            raise MarketError(ErrorCode.MALFORMED_REQUEST, detail) from error

    def stop(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
