"""The configuration of gateway and worker, the platform's or a member's: one JSON file, parsed strictly.

The environment overrides where things lie: `DATABASE_URL` the database, `OBJECTS_URL` the object store.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from countermark.gateway.limits import Limits
from countermark.gateway.metrics.endpoint import Address
from countermark.platform.matching.allowance import PRICE
from countermark.platform.webhooks.addresses import Network
from countermark.protocol import canonical, fields
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.money import parse_amount

ENVIRONMENT = "COUNTERMARK_GATEWAY_CONFIG"

_MOST_CONNECTIONS = 32
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of one gateway; the worker beside it reads the same file."""

    market: str
    """Channel/chaincode."""
    connections: tuple[Path, ...]
    """Connection files of the gateways that may be asked, in order: first the own organisation's, whose certificate
    and key are used; then others whose answers it takes, of whichever organisation."""
    database_url: str
    keys_file: Path
    """Private keys, see `gateway.keys`."""
    host: str
    port: int
    tls_cert_file: Path
    tls_key_file: Path
    threads: int
    """Requests served at once; event streams take at most half of them."""
    limits: Limits = field(default_factory=Limits)
    """How much an account, and an address, may ask for."""
    metrics: Address | None = None
    """Where the worker serves its figures; nowhere without it."""

    @property
    def url(self) -> str:
        """The gateway's URL."""
        return f"https://{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class PlatformConfig(Config):
    """Settings of the platform's gateway."""

    objects: str
    """The object store: a folder, or `s3://bucket/prefix?endpoint=…&region=…`. Credentials never stand here."""
    spool: Path
    """Folder for pieces of uploads that are on their way into the object store."""
    faucet: bool
    """Whether anybody may ask for money: on ledgers for development only."""
    webhooks_allow: tuple[Network, ...] = ()
    """Networks that are not the public internet's, to which webhooks may be delivered all the same."""
    forwards: tuple[str, ...] = ()
    """Authorities of members' gateways, `host` or `host:port` as in their URLs, that pass on what was signed for
    them."""
    search_price: int = PRICE
    """What a sample of a search or trace above the free quota costs, in minor units."""


@dataclass(frozen=True, kw_only=True)
class PlatformAddress:
    """Where a member's gateway reaches the platform's."""

    url: str
    ca_file: Path | None = None
    """Certificate authority of the platform's gateway; the system's without it."""


@dataclass(frozen=True, kw_only=True)
class MemberConfig(Config):
    """Settings of the gateway of a member organisation."""

    platform: PlatformAddress


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


def authority(value: object) -> str:
    """Return ``value`` if it is a host, with a port where it is not HTTPS's own, as it stands in URLs.

    Raises:
        MarketError: MALFORMED_REQUEST.
    """
    text: str = fields.text(261)(value)
    if not _AUTHORITY.fullmatch(text):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "an authority such as trade.example or trade.example:8443")
    return text.lower()


def _url(value: object) -> str:
    text: str = fields.text(300)(value)
    if not text.startswith("https://") or not _AUTHORITY.fullmatch(text.removeprefix("https://").rstrip("/")):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a URL such as https://market.example:8443 is expected")
    return text.rstrip("/")


def _platform(value: object) -> PlatformAddress:
    return PlatformAddress(**fields.record(value, {"url": _url, "ca_file": fields.optional(_path)}))


_SHARED: Mapping[str, fields.Parser] = {
    "market": fields.name,
    "connections": _connections,
    "database_url": fields.text(4096),
    "keys_file": _path,
    "host": fields.text(255),
    "port": fields.integer(1, 65_535),
    "tls_cert_file": _path,
    "tls_key_file": _path,
    "threads": fields.integer(4, 256),
    "limits": fields.optional(_limits),
    "metrics": fields.optional(Address.parse),
}

_OF_PLATFORM: Mapping[str, fields.Parser] = {
    **_SHARED,
    "objects": fields.text(4096),
    "spool": _path,
    "faucet": _boolean,
    "webhooks_allow": fields.optional(lambda value: tuple(fields.sequence(_network, longest=64)(value))),
    "forwards": fields.optional(lambda value: tuple(fields.sequence(authority, longest=64)(value))),
    "search_price": fields.optional(parse_amount),
}

_OF_MEMBER: Mapping[str, fields.Parser] = {**_SHARED, "platform": _platform}

_OVERRIDES: Mapping[str, str] = {"database_url": "DATABASE_URL", "objects": "OBJECTS_URL"}


def load(path: Path, environment: Mapping[str, str] = os.environ) -> PlatformConfig | MemberConfig:
    """Return the configuration in the file ``path``: a member's if it names the platform.

    Raises:
        MarketError: MALFORMED_REQUEST; it cannot be read, or a member is missing, unknown or malformed.
    """
    try:
        document = canonical.loads(path.read_bytes(), canonical=False)
    except OSError as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{path}: {error.strerror}") from error
    of_member = isinstance(document, dict) and "platform" in document
    parsers = _OF_MEMBER if of_member else _OF_PLATFORM
    values: dict[str, Any] = fields.record(document, parsers)
    for member, variable in _OVERRIDES.items():
        if member in parsers and (value := environment.get(variable)):
            values[member] = value
    return MemberConfig(**values) if of_member else PlatformConfig(**values)
