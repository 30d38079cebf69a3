"""Signed messages: compact JWS (RFC 7515) with ES256, in the one strict form that the market accepts.

The protected header is exactly ``{"alg":"ES256","kid":"did:key:zDn…","typ":"<typ>"}`` in canonical bytes, which
leaves no room for ``crit``, ``jwk``, ``x5u``, ``b64`` or another algorithm; ``kid`` is the only source of the key.
The payload is a JSON object in canonical bytes. ES256 is malleable, so a message is known by its signer and the
digest of its payload, never by the token's own bytes.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from countermark.protocol import canonical
from countermark.protocol.accounts import SIGNATURE_BYTES, AccountKey, parse_address, public_key
from countermark.protocol.encoding import digest, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

MAX_TOKEN = 65_536
"""Longest token that is accepted unless a caller says otherwise, in characters."""

_HEADER_MEMBERS = {"alg", "kid", "typ"}
_ASCII = re.compile(r"[A-Za-z0-9_.-]*")

# Bounds are ours (``limit``); the library's own would refuse what a caller has allowed.
_REGISTRY = jws.JWSRegistry(algorithms=["ES256"])
_REGISTRY.max_payload_length = 2**31
_ES256 = _REGISTRY.get_alg("ES256")


@dataclass(frozen=True)
class Signed:
    """A message whose signature holds."""

    signer: str
    """Address of the account that signed."""
    payload: dict[str, Any] = field(repr=False)
    payload_digest: str
    """``sha256:…`` of the payload's bytes: what identifies the message, together with its signer."""
    token: str = field(repr=False)


def sign(key: AccountKey, typ: str, payload: dict[str, Any]) -> str:
    """Return the compact JWS of ``payload`` by ``key``, of media type ``typ`` (without ``application/``)."""
    header = {"alg": "ES256", "kid": key.address, "typ": typ}
    private = ECKey.import_key(key.private_key)
    return jws.serialize_compact(header, canonical.dumps(payload), private, registry=_REGISTRY)


def verify(
    token: object, typ: str, *, code: ErrorCode = ErrorCode.MALFORMED_REQUEST, limit: int = MAX_TOKEN
) -> Signed:
    """Return the message of a token whose form, type and signature hold.

    Args:
        token: what should be a compact JWS.
        typ: the media type that it must name, so that no message passes for one of another kind.
        code: what a refusal of its form is called.
        limit: longest token, in characters.

    Raises:
        MarketError: BAD_SIGNATURE, or ``code`` for everything else.
    """
    if not isinstance(token, str) or len(token) > limit or _ASCII.fullmatch(token) is None:
        raise MarketError(code, f"not a compact JWS of at most {limit} characters")
    segments = token.split(".")
    if len(segments) != 3:
        raise MarketError(code, "a compact JWS has three segments")
    header_bytes, payload_bytes = unb64u(segments[0], code=code), unb64u(segments[1], code=code)
    signature = unb64u(segments[2], length=SIGNATURE_BYTES, code=code)

    signer = _signer(canonical.loads(header_bytes, code=code), typ, code)
    payload = canonical.loads(payload_bytes, code=code)
    if not isinstance(payload, dict):
        raise MarketError(code, "the payload is a JSON object")
    # The form is checked already, more strictly than the library would do it: what is left is the signature.
    if not _ES256.verify(token.rpartition(".")[0].encode(), signature, _verification_key(signer)):
        raise MarketError(ErrorCode.BAD_SIGNATURE, "the signature is not that of kid")
    return Signed(signer, payload, digest(payload_bytes), token)


def _signer(header: object, typ: str, code: ErrorCode) -> str:
    if not isinstance(header, dict) or set(header) != _HEADER_MEMBERS:
        raise MarketError(code, "the header has exactly alg, kid and typ")
    if header["alg"] != "ES256" or header["typ"] != typ:
        raise MarketError(code, f"alg must be ES256 and typ {typ}")
    try:
        return parse_address(header["kid"])
    except MarketError as error:
        raise MarketError(code, "kid is not the did:key of a P-256 key") from error


@lru_cache(maxsize=8192)
def _verification_key(address: str) -> ECKey:
    # Parsing costs more than verifying; what comes in is signed by few accounts many times.
    return ECKey.import_key(public_key(address))
