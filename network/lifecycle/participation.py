"""An orderer's administration interface: which channels it serves, and to join one (Fabric's participation API).

It wants a client certificate of the orderer's own organisation.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from countermark.network.lifecycle.errors import LifecycleError

_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class OrdererAccess:
    """How an organisation's administrator reaches one of its orderers."""

    address: str
    """host:port of the administration interface."""
    host_override: str
    """Name in the orderer's TLS certificate, where it is not the host; else empty."""
    tls_ca_file: Path
    certificate_file: Path
    """Client certificate for TLS."""
    key_file: Path


@dataclass(frozen=True, slots=True)
class Participation:
    """An orderer's part in a channel."""

    status: str
    """`active`, `onboarding`, `inactive`, `failed`."""
    relation: str
    """`consenter`, `follower`, `config-tracker`."""
    height: int


def participation(orderer: OrdererAccess, channel: str) -> Participation | None:
    """Return the part of `orderer` in `channel`; None if it has not joined.

    Raises:
        LifecycleError: `unreachable`, or `refused`.
    """
    answer = _call(orderer, "GET", f"/{channel}")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    document = _document(orderer, answer, httpx.codes.OK)
    try:
        return Participation(str(document["status"]), str(document["consensusRelation"]), int(document["height"]))
    except (KeyError, TypeError, ValueError) as error:
        raise LifecycleError("malformed_answer", orderer.address) from error


def join(orderer: OrdererAccess, block: bytes) -> None:
    """Have `orderer` serve the channel whose genesis or latest configuration block is `block`.

    Raises:
        LifecycleError: `unreachable`, or `refused`.
    """
    answer = _call(orderer, "POST", "", files={"config-block": ("config.block", block)})
    _document(orderer, answer, httpx.codes.CREATED)


def _call(orderer: OrdererAccess, method: str, path: str, **body: Any) -> httpx.Response:
    context = ssl.create_default_context(cafile=str(orderer.tls_ca_file))
    context.load_cert_chain(str(orderer.certificate_file), str(orderer.key_file))
    extensions = {"sni_hostname": orderer.host_override} if orderer.host_override else {}
    try:
        with httpx.Client(verify=context, trust_env=False, timeout=_WAIT_S) as client:
            url = f"https://{orderer.address}/participation/v1/channels{path}"
            return client.request(method, url, extensions=extensions, **body)
    except httpx.HTTPError as error:
        raise LifecycleError("unreachable", f"{orderer.address}: {error}") from error


def _document(orderer: OrdererAccess, answer: httpx.Response, expected: int) -> Mapping[str, Any]:
    if answer.status_code != expected:
        raise LifecycleError("refused", f"{orderer.address}: {answer.text.strip()[:500]}")
    try:
        document = answer.json()
    except ValueError as error:
        raise LifecycleError("malformed_answer", orderer.address) from error
    if not isinstance(document, dict):
        raise LifecycleError("malformed_answer", orderer.address)
    return document
