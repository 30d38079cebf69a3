"""Signed requests (RFC 9421): whose account asks, shown by a signature of that account's key.

A signature covers method, authority, path and query, and the digest of the body where there is one; it names the
account (`keyid`), is at most five minutes old, and its nonce counts once. The authority is one for which this gateway
has a certificate: a request that was signed for another gateway does not pass here, unless it is one that members'
gateways pass on and was signed for a member's that the configuration names.
"""

import base64
import datetime
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    VerifyResult,
    algorithms,
)

from countermark.platform.store import nonces
from countermark.platform.store.engine import Database
from countermark.protocol import accounts
from countermark.protocol.errors import ErrorCode, MarketError

COVERED = ("@method", "@authority", "@path", "@query")
TAG = "countermark"
LONGEST_S = 300
"""How long a signature may be good, in seconds."""

_SKEW_S = 60
"""How much longer a nonce is remembered than its signature is good."""

_LONGEST_NONCE = 128
_DIGEST = re.compile(r"([a-z0-9-]+)=:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):", re.ASCII)
_HASHES = {"sha-256": sha256, "sha-512": sha512}


class _AccountKeys(HTTPSignatureKeyResolver):
    """An account's address is its public key."""

    def resolve_public_key(self, key_id: str) -> ec.EllipticCurvePublicKey:
        return accounts.public_key(key_id)


@dataclass(frozen=True)
class SignedMessage:
    """A request as its signer saw it: ``target`` is the request target as it came over the wire, undecoded."""

    method: str
    authority: str
    target: str
    headers: Mapping[str, str]

    @property
    def url(self) -> str:
        """The URL that the client asked for."""
        return f"https://{self.authority}{self.target}"


@dataclass(frozen=True)
class Signer:
    """The account that signed, and the digests of the body that it signed: none where it covered none."""

    account: str
    digests: Mapping[str, bytes]


class Signatures:
    """Verifies requests to a gateway that answers under the host names ``hosts``."""

    def __init__(self, *, database: Database, hosts: Iterable[str], forwards: Iterable[str] = ()) -> None:
        """``forwards`` are authorities of other gateways, which may pass on what was signed for them."""
        self._database = database
        self._hosts = frozenset(host.lower() for host in hosts)
        self._forwards = frozenset(authority.lower() for authority in forwards)
        self._verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_AccountKeys()
        )

    def verify(self, message: SignedMessage, *, has_body: bool, passed_on: bool = False) -> Signer:
        """Return who signed ``message``; its nonce is used up by that. The body is for `check_body`.

        ``passed_on`` says that it is a request as other gateways pass them on: it may be signed for one of those.

        Raises:
            MarketError: SIGNATURE_REQUIRED when there is no signature, BAD_SIGNATURE, DATABASE_UNAVAILABLE.
        """
        if "Signature-Input" not in message.headers:
            raise MarketError(ErrorCode.SIGNATURE_REQUIRED, "sign the request with the account's key (RFC 9421)")
        ours = _host(message.authority) in self._hosts or (passed_on and message.authority.lower() in self._forwards)
        if not ours or not message.target.startswith("/"):
            raise _bad("the request is not for this gateway")
        result = self._check(message, (*COVERED, "content-digest") if has_body else COVERED)
        account, nonce, expires_s = _parameters(result.parameters)
        with self._database.autocommit() as connection:
            fresh = nonces.use(connection, account, nonce, expires_ms=(expires_s + _SKEW_S) * 1000)
        if not fresh:
            raise _bad("the signature's nonce was used before")
        return Signer(account, _digests(message.headers.get("Content-Digest", "")) if has_body else {})

    def _check(self, message: SignedMessage, required: tuple[str, ...]) -> VerifyResult:
        try:
            results = self._verifier.verify(
                message,
                max_age=datetime.timedelta(seconds=LONGEST_S),
                expect_tag=TAG,
                require_components=required,
            )
        except HTTPMessageSignaturesException:
            # Its text quotes headers of the request.
            raise _bad("the signature does not hold or does not cover what it must") from None
        if len(results) != 1:
            raise _bad("one signature is expected")
        return results[0]


class BodyDigest:
    """Digests of a body that passes by in pieces, compared with those that were signed."""

    def __init__(self, signer: Signer) -> None:
        self._expected = signer.digests
        self._hashes = {name: _HASHES[name]() for name in signer.digests}

    def passing(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield ``pieces`` as they are, taking them in."""
        for piece in pieces:
            for one in self._hashes.values():
                one.update(piece)
            yield piece

    def check(self) -> None:
        """Check, after the last piece, that the body is the one that was signed.

        Raises:
            MarketError: BAD_SIGNATURE.
        """
        for name, one in self._hashes.items():
            if not hmac.compare_digest(one.digest(), self._expected[name]):
                raise _bad("the body is not the one that was signed")


def _parameters(parameters: Mapping[str, Any]) -> tuple[str, str, int]:
    nonce, created, expires = (parameters.get(name) for name in ("nonce", "created", "expires"))
    if not isinstance(nonce, str) or not 0 < len(nonce) <= _LONGEST_NONCE:
        raise _bad("the signature needs a nonce")
    if not isinstance(created, int) or not isinstance(expires, int) or not 0 < expires - created <= LONGEST_S:
        raise _bad(f"the signature is good for at most {LONGEST_S} s")
    return str(parameters["keyid"]), nonce, expires


def _digests(field: str) -> dict[str, bytes]:
    """Return the digests of a Content-Digest field (RFC 9530) that we can compute, at least one."""
    digests: dict[str, bytes] = {}
    for member in field.split(","):
        match = _DIGEST.fullmatch(member.strip(" \t"))
        if match is not None and match.group(1) in _HASHES:
            digests[match.group(1)] = base64.b64decode(match.group(2))
    if not digests:
        raise _bad("Content-Digest needs sha-256 or sha-512")
    return digests


def _host(authority: str) -> str:
    host, colon, port = authority.lower().rpartition(":")
    return host if colon and port.isdigit() else authority.lower()


def _bad(detail: str) -> MarketError:
    return MarketError(ErrorCode.BAD_SIGNATURE, detail)
