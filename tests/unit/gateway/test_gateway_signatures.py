"""Signed requests: what passes, and every way to borrow somebody's signature that must not (RFC 9421)."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from http_message_signatures import ContentDigest, HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from countermark.gateway.signatures import COVERED, BodyDigest, Signatures, SignedMessage
from countermark.platform.store import nonces
from countermark.platform.store.engine import Database
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.market import actor, refused

HOST = "gateway.example"
KEY, OTHER = actor("buyer").key, actor("stranger").key


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, key: AccountKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> Any:
        return self._key.private_key


class _AsGiven(ContentDigest):
    """Leaves the header as the test wrote it."""

    @classmethod
    def prepare(cls, *_: Any, **__: Any) -> None:
        pass


class _CarelessSigner(HTTPMessageSigner):
    content_digest_class = _AsGiven


@dataclass
class Signing:
    """How a request is signed; the defaults are what the client does."""

    method: str = "GET"
    url: str = f"https://{HOST}:8443/v1/trades?open=true"
    body: bytes | None = None
    key: AccountKey = KEY
    key_id: str = KEY.address
    created_s: int = 0
    """From the moment of signing on, in seconds."""
    expires_s: int | None = 120
    nonce: str | None = "nonce-1"
    tag: str | None = "countermark"
    covered: Sequence[str] = COVERED
    digest: bool = True
    headers: dict[str, str] = field(default_factory=dict)

    def message(self) -> SignedMessage:
        request = httpx.Request(self.method, self.url, content=self.body, headers=self.headers)
        now = datetime.datetime.now(datetime.UTC)
        expires = None if self.expires_s is None else now + datetime.timedelta(seconds=self.expires_s)
        signer = HTTPMessageSigner if self.body is None or self.digest else _CarelessSigner
        signer(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_Keys(self.key)).sign(
            request,
            key_id=self.key_id,
            created=now + datetime.timedelta(seconds=self.created_s),
            expires=expires,
            nonce=self.nonce,
            label="countermark",
            tag=self.tag,
            covered_component_ids=self.covered,
            body=self.body if self.digest else None,
        )
        headers = {name.title(): value for name, value in request.headers.items()}
        return SignedMessage(self.method, request.headers["host"], request.url.raw_path.decode(), headers)


@pytest.fixture
def signatures(database: Database) -> Signatures:
    return Signatures(database=database, hosts={HOST})


def test_account_that_signed_is_known(signatures: Signatures) -> None:
    signer = signatures.verify(Signing().message(), has_body=False)
    assert (signer.account, signer.digests) == (KEY.address, {})


def test_body_is_compared_with_the_signed_digest(signatures: Signatures) -> None:
    signer = signatures.verify(Signing("PUT", body=b"the body").message(), has_body=True)
    digest = BodyDigest(signer)
    assert b"".join(digest.passing([b"the ", b"body"])) == b"the body"
    digest.check()
    other = BodyDigest(signer)
    list(other.passing([b"another body"]))
    with refused(ErrorCode.BAD_SIGNATURE):
        other.check()


ATTACKS: dict[str, Signing | Callable[[SignedMessage], SignedMessage]] = {
    "another path": lambda message: replace(message, target="/v1/trades/other?open=true"),
    "another query": lambda message: replace(message, target="/v1/trades?open=false"),
    "query left out": lambda message: replace(message, target="/v1/trades"),
    "escaped differently": lambda message: replace(message, target="/v1/%74rades?open=true"),
    "another method": lambda message: replace(message, method="POST"),
    "signed for another gateway": Signing(url="https://other.example:8443/v1/trades"),
    "claiming to be another gateway": lambda message: replace(message, authority="other.example:8443"),
    "another port": lambda message: replace(message, authority=f"{HOST}:9443"),
    "target of a proxy": lambda message: replace(message, target=f"https://{HOST}:8443/v1/trades?open=true"),
    "key of somebody else": Signing(key=OTHER),
    "key that is no address": Signing(key_id="did:key:zNobody"),
    "expired": Signing(created_s=-200, expires_s=-80),
    "created in the future": Signing(created_s=90, expires_s=200),
    "good for too long": Signing(expires_s=301),
    "good for ever": Signing(expires_s=None),
    "without a nonce": Signing(nonce=None),
    "empty nonce": Signing(nonce=""),
    "endless nonce": Signing(nonce="n" * 129),
    "of another application": Signing(tag="elsewhere"),
    "without a tag": Signing(tag=None),
    "method not covered": Signing(covered=("@authority", "@path", "@query")),
    "authority not covered": Signing(covered=("@method", "@path", "@query")),
    "path not covered": Signing(covered=("@method", "@authority", "@query")),
    "query not covered": Signing(covered=("@method", "@authority", "@path")),
    "signature of nothing": lambda message: replace(
        message, headers={**message.headers, "Signature": "countermark=::"}
    ),
    "no structured field": lambda message: replace(message, headers={**message.headers, "Signature-Input": "£"}),
    "signature left out": lambda message: replace(
        message, headers={name: value for name, value in message.headers.items() if name != "Signature"}
    ),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_attack_is_refused(signatures: Signatures, attack: Any) -> None:
    message = attack.message() if isinstance(attack, Signing) else attack(Signing().message())
    with refused(ErrorCode.BAD_SIGNATURE):
        signatures.verify(message, has_body=False)


def test_unsigned_request_is_told_to_sign(signatures: Signatures) -> None:
    with refused(ErrorCode.SIGNATURE_REQUIRED):
        signatures.verify(SignedMessage("GET", HOST, "/v1/trades", {}), has_body=False)


def test_body_without_a_covered_digest_is_refused(signatures: Signatures) -> None:
    with refused(ErrorCode.BAD_SIGNATURE):
        signatures.verify(Signing("PUT", body=b"body", digest=False).message(), has_body=True)


@pytest.mark.parametrize("value", ["", "md5=:AAAA:", "sha-256=AAAA", "sha-256=:A:", "sha-256"])
def test_digest_that_cannot_be_computed_is_refused(signatures: Signatures, value: str) -> None:
    signing = Signing(
        "PUT", body=b"body", digest=False, headers={"Content-Digest": value}, covered=(*COVERED, "content-digest")
    )
    with refused(ErrorCode.BAD_SIGNATURE):
        signatures.verify(signing.message(), has_body=True)


def test_replayed_request_is_refused_by_every_gateway_on_the_database(
    signatures: Signatures, database: Database
) -> None:
    message = Signing().message()
    signatures.verify(message, has_body=False)
    for gateway in (signatures, Signatures(database=database, hosts={HOST})):
        with refused(ErrorCode.BAD_SIGNATURE):
            gateway.verify(message, has_body=False)
    signatures.verify(Signing(nonce="nonce-2").message(), has_body=False)
    signatures.verify(Signing(key=OTHER, key_id=OTHER.address).message(), has_body=False)


def test_refused_signature_uses_up_no_nonce(signatures: Signatures) -> None:
    with pytest.raises(MarketError):
        signatures.verify(Signing(key=OTHER).message(), has_body=False)
    signatures.verify(Signing().message(), has_body=False)


def test_nonces_are_forgotten_when_their_signatures_have_expired(database: Database) -> None:
    with database.begin() as connection:
        assert nonces.use(connection, KEY.address, "old", expires_ms=1)
        assert nonces.use(connection, KEY.address, "new", expires_ms=2**53)
    assert nonces.forget_expired(database) == 1
    with database.begin() as connection:
        assert nonces.use(connection, KEY.address, "old", expires_ms=1)
        assert not nonces.use(connection, KEY.address, "new", expires_ms=2**53)


def test_errors_quote_nothing_of_the_request(signatures: Signatures) -> None:
    message = Signing(url=f"https://{HOST}:8443/v1/accounts/secret-name").message()
    with refused(ErrorCode.BAD_SIGNATURE) as caught:
        signatures.verify(replace(message, method="POST"), has_body=False)
    assert "secret-name" not in str(caught.value)
    assert caught.value.__cause__ is None
