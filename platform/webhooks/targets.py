"""Where a webhook's deliveries go: its URL, read strictly, so that no two programs read it differently."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from countermark.protocol.errors import ErrorCode, MarketError

LONGEST_URL = 2048
_LONGEST_HOST = 253
_HTTPS_PORT = 443

# RFC 3986: what a path and a query may hold, and nothing that has to be escaped first.
_URL = re.compile(
    r"https://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/(?:[a-z0-9._~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?)"
    r"(?P<query>(?:\?(?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?)",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver: a host's name or IP address, a port, and path with query."""

    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the target of ``url``: HTTPS, neither user nor fragment, everything in ASCII.

        Raises:
            MarketError: MALFORMED_REQUEST.
        """
        match = _URL.fullmatch(url) if len(url) <= LONGEST_URL else None
        if match is None:
            raise _refused(f"an https:// URL of at most {LONGEST_URL} ASCII characters is expected")
        port = int(match["port"] or _HTTPS_PORT)
        if not 0 < port < 1 << 16:
            raise _refused("a port is a number from 1 to 65535")
        return cls(_host(match["host"].lower()), port, (match["path"] or "/") + match["query"])

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, which no name server is asked about."""
        return _is_address(self.host)

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL: the port only where it is not that of HTTPS."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _HTTPS_PORT else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL in its one form."""
        return f"https://{self.authority}{self.path}"


def _host(text: str) -> str:
    if text.startswith("["):
        address = text[1:-1]
        if not _is_address(address):
            raise _refused("the host is no IPv6 address")
        return str(ip_address(address))
    labels = text.split(".")
    if len(text) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise _refused("the host is no name of the domain name system; write an international one in its xn-- form")
    # What ends in a number is an address, or the old spellings of one (2130706433, 127.1) that resolvers understand.
    if _NUMERIC.fullmatch(labels[-1]) and not _is_address(text):
        raise _refused("the host is no IPv4 address")
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _refused(detail: str) -> MarketError:
    return MarketError(ErrorCode.MALFORMED_REQUEST, detail)
