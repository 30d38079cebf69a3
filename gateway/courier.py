"""Carries webhooks' deliveries to receivers: to an address that was checked, signed by the platform (ADR 0017).

A name is resolved once, all its addresses are judged, and the connection goes to one of those very addresses: a name
server that answers otherwise the next time is not asked a next time. The signature is that of RFC 9421, with the key
of the platform's account, which every receiver knows from the market's configuration.
"""

import datetime
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from countermark.gateway.posting import post
from countermark.platform.ports import DeliveryError
from countermark.platform.webhooks.addresses import AddressPolicy
from countermark.platform.webhooks.targets import Target
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import MarketError

TAG = "countermark-webhook"
"""Not that of requests to gateways: what the platform tells a receiver is no request of the platform's anywhere."""

COVERED = ("@method", "@authority", "@path", "@query", "content-type")
"""And `content-digest`, which the signer adds."""

GOOD_S = 300
"""How long a signature is good."""

_MOST_ADDRESSES = 3
"""Addresses of a name that are tried one after the other."""

_GONE = 410

Resolver = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of ``host`` as text.

    Raises:
        DeliveryError: it has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise DeliveryError("name") from error
    return [str(address[0]) for *_, address in found]


class _PlatformKey(HTTPSignatureKeyResolver):
    def __init__(self, key: AccountKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> ec.EllipticCurvePrivateKey:
        assert key_id == self._key.address
        return self._key.private_key


@dataclass
class _Outgoing:
    """A request as the signer wants it."""

    url: str
    headers: dict[str, str]
    method: str = "POST"


class HttpsCourier:
    """`ports.Courier` over HTTPS. May be shared between threads."""

    def __init__(
        self,
        key: AccountKey,
        policy: AddressPolicy,
        *,
        context: ssl.SSLContext | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        """Sign with the platform's ``key``; ``context`` says whose certificates hold, the system's by default."""
        self._key = key
        self._policy = policy
        self._context = context or ssl.create_default_context()
        self._resolve = resolver
        self._signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_PlatformKey(key)
        )

    def deliver(self, url: str, body: bytes) -> None:
        """See `ports.Courier`."""
        try:
            target = Target.parse(url)
        except MarketError as error:
            raise DeliveryError("name") from error
        status = post(target, self._permitted(target), body, self._sign(target, body), context=self._context)
        if not 200 <= status < 300:
            raise DeliveryError(f"status_{status}", gone=status == _GONE)

    def _permitted(self, target: Target) -> Sequence[str]:
        """Return the addresses of ``target``; a name with a single one that is not permitted has none."""
        addresses = self._resolve(target.host, target.port)
        if not addresses or not all(self._policy.permits(address, target.port) for address in addresses):
            raise DeliveryError("address")
        return addresses[:_MOST_ADDRESSES]

    def _sign(self, target: Target, body: bytes) -> dict[str, str]:
        message = _Outgoing(target.url, {"Content-Type": "application/json"})
        now = datetime.datetime.now(datetime.UTC)
        self._signer.sign(
            message,
            key_id=self._key.address,
            created=now,
            expires=now + datetime.timedelta(seconds=GOOD_S),
            nonce=secrets.token_urlsafe(16),
            label="countermark",
            tag=TAG,
            covered_component_ids=COVERED,
            body=body,
        )
        return message.headers
