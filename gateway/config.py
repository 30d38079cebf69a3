"""The configuration of gateway and worker: one JSON file, parsed strictly.

The environment overrides where things lie: `DATABASE_URL` the database, `OBJECTS_URL` the object store.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from countermark.gateway.limits import Limits
from countermark.gateway.metrics.endpoint import Address
from countermark.platform.webhooks.addresses import Network
from countermark.protocol import canonical, fields
from countermark.protocol.errors import ErrorCode, MarketError

ENVIRONMENT = "COUNTERMARK_GATEWAY_CONFIG"

_MOST_CONNECTIONS = 32


@dataclass(frozen=True)
class Config:
    """Settings of one gateway; the worker beside it reads the same file."""

    market: str
    """Channel/chaincode."""
    connections: tuple[Path, ...]
    """Connection files of the gateways that may be asked, in order: first the platform's own, whose certificate and
    key are used; then others whose answers it takes, of whichever organisation."""
    database_url: str
    objects: str
    """The object store: a folder, or `s3://bucket/prefix?endpoint=…&region=…`. Credentials never stand here."""
    spool: Path
    """Folder for pieces of uploads that are on their way into the object store."""
    keys_file: Path
    """The platform's private keys, see `gateway.keys`."""
    host: str
    port: int
    tls_cert_file: Path
    tls_key_file: Path
    faucet: bool
    """Whether anybody may ask for money: on the embedded ledger only."""
    threads: int
    """Requests served at once; event streams take at most half of them."""
    limits: Limits = field(default_factory=Limits)
    """How much an account, and an address, may ask for."""
    webhooks_allow: tuple[Network, ...] = ()
    """Networks that are not the public internet's, to which webhooks may be delivered all the same."""
    metrics: Address | None = None
    """Where the worker serves its figures; nowhere without it."""

    @property
    def url(self) -> str:
        """The gateway's URL."""
        return f"https://{self.host}:{self.port}"


def _path(value: object) -> Path:
    return Path(fields.text(4096)(value))


def _connections(value: object) -> tuple[Path, ...]:
    return tuple(fields.sequence(_path, longest=_MOST_CONNECTIONS, shortest=1)(value))


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "true or false is expected")
    return value


def _limits(value: object) -> Limits:
    most = fields.integer(1, 1_000_000)
    return Limits(**fields.record(value, {"account": fields.optional(most), "address": fields.optional(most)}))


def _network(value: object) -> Network:
    try:
        return ip_network(fields.text(64)(value))
    except ValueError as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "an IP network such as 10.1.0.0/16 is expected") from error


_FIELDS: Mapping[str, fields.Parser] = {
    "market": fields.name,
    "connections": _connections,
    "database_url": fields.text(4096),
    "objects": fields.text(4096),
    "spool": _path,
    "keys_file": _path,
    "host": fields.text(255),
    "port": fields.integer(1, 65_535),
    "tls_cert_file": _path,
    "tls_key_file": _path,
    "faucet": _boolean,
    "threads": fields.integer(4, 256),
    "limits": fields.optional(_limits),
    "webhooks_allow": fields.optional(lambda value: tuple(fields.sequence(_network, longest=64)(value))),
    "metrics": fields.optional(Address.parse),
}

_OVERRIDES: Mapping[str, str] = {"database_url": "DATABASE_URL", "objects": "OBJECTS_URL"}


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Return the configuration in the file ``path``.

    Raises:
        MarketError: MALFORMED_REQUEST; it cannot be read, or a member is missing, unknown or malformed.
    """
    try:
        document: dict[str, Any] = fields.record(canonical.loads(path.read_bytes(), canonical=False), _FIELDS)
    except OSError as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{path}: {error.strerror}") from error
    for member, variable in _OVERRIDES.items():
        if value := environment.get(variable):
            document[member] = value
    return Config(**document)
