import base64
import json
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey

from countermark.protocol import canonical, jws
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, digest
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support import es256

TYP = "countermark-test+jws"
KEY = AccountKey.generate()
OTHER = AccountKey.generate()
PAYLOAD = {"action": "test", "n": 1}
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def forge(header: object, payload: bytes = canonical.dumps(PAYLOAD), key: AccountKey = KEY) -> str:
    """Return a token whose signature is right, whatever its header says."""
    head = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    signing_input = f"{b64u(head)}.{b64u(payload)}"
    return f"{signing_input}.{b64u(es256.sign(key, signing_input.encode()))}"


def header(**changes: object) -> dict[str, object]:
    return {"alg": "ES256", "kid": KEY.address, "typ": TYP, **changes}


def refused(token: object, **options: object) -> ErrorCode:
    with pytest.raises(MarketError) as refusal:
        jws.verify(token, TYP, code=ErrorCode.MALFORMED_INTENT, **options)  # type: ignore[arg-type]
    return refusal.value.code


def test_what_one_signs_all_can_verify() -> None:
    signed = jws.verify(jws.sign(KEY, TYP, PAYLOAD), TYP)
    assert signed.signer == KEY.address
    assert signed.payload == PAYLOAD
    assert signed.payload_digest == digest(canonical.dumps(PAYLOAD))


def test_other_jose_libraries_read_it() -> None:
    token = jws.sign(KEY, TYP, PAYLOAD)
    header, _, signature = token.split(".")
    decoded = joserfc_jws.deserialize_compact(token, ECKey.import_key(KEY.private_key.public_key()), ["ES256"])
    assert json.loads(decoded.payload) == PAYLOAD
    assert base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)) == canonical.dumps(decoded.headers())
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param("..", id="three empty segments"),
        pytest.param("a.b", id="two segments"),
        pytest.param(jws.sign(KEY, TYP, PAYLOAD) + ".x", id="four segments"),
        pytest.param(jws.sign(KEY, TYP, PAYLOAD) + "=", id="padding"),
        pytest.param(jws.sign(KEY, TYP, PAYLOAD) + "\n", id="line end"),
        pytest.param(" " + jws.sign(KEY, TYP, PAYLOAD), id="space"),
        pytest.param(jws.sign(KEY, TYP, PAYLOAD).rpartition(".")[0] + ".", id="no signature"),
        pytest.param(jws.sign(KEY, TYP, PAYLOAD)[:-4], id="signature cut"),
        pytest.param(jws.sign(KEY, "countermark-other+jws", PAYLOAD), id="another typ"),
        pytest.param(forge(header(alg="none")), id="alg none"),
        pytest.param(forge(header(alg="HS256")), id="alg HS256"),
        pytest.param(forge(header(alg="ES384")), id="alg ES384"),
        pytest.param(forge(header(alg=["ES256"])), id="alg in a list"),
        pytest.param(forge(header(crit=["exp"], exp=1)), id="crit"),
        pytest.param(forge(header(b64=False, crit=["b64"])), id="b64"),
        pytest.param(forge(header(jwk={"kty": "EC"})), id="jwk"),
        pytest.param(forge(header(x5u="https://example.org")), id="x5u"),
        pytest.param(forge({"alg": "ES256", "typ": TYP}), id="no kid"),
        pytest.param(forge(header(kid=KEY.address + "#1")), id="kid with a fragment"),
        pytest.param(forge(header(kid=7)), id="kid a number"),
        pytest.param(forge([1]), id="header an array"),
        pytest.param(forge(b"{"), id="header cut"),
        pytest.param(forge({"kid": KEY.address, "alg": "ES256", "typ": TYP}), id="header in another order"),
        pytest.param(
            forge(canonical.dumps(header()).replace(b"{", b'{"alg":"ES256",')),
            id="header with a duplicate member",
        ),
        pytest.param(forge(header(), b'{"n": 1}'), id="payload with a space"),
        pytest.param(forge(header(), b'{"n":1,"n":1}'), id="payload with a duplicate member"),
        pytest.param(forge(header(), b'{"b":1,"a":1}'), id="payload in another order"),
        pytest.param(forge(header(), b"[1]"), id="payload an array"),
        pytest.param(forge(header(), b'{"n":1.5}'), id="payload with a float"),
        pytest.param(forge(header(), b""), id="payload empty"),
    ],
)  # fmt: skip
def test_refuses_a_form_that_leaves_room(token: object) -> None:
    assert refused(token) is ErrorCode.MALFORMED_INTENT


def test_a_control_forgery_with_the_right_form_passes() -> None:
    assert jws.verify(forge(header()), TYP).payload == PAYLOAD


@pytest.mark.requirement("R8")
@pytest.mark.parametrize(
    "token",
    [
        pytest.param(forge(header(), key=OTHER), id="signed by another key"),
        pytest.param(forge(header()).rpartition(".")[0] + "." + b64u(bytes(64)), id="zero signature"),
        pytest.param(forge(header()).rpartition(".")[0] + "." + b64u(b"\xff" * 64), id="r and s past n"),
        pytest.param(forge(header()).rpartition(".")[0] + "." + jws.sign(KEY, TYP, {}).rpartition(".")[2],
                     id="signature of another message"),
    ],
)  # fmt: skip
def test_refuses_a_signature_that_is_not_that_of_kid(token: str) -> None:
    assert refused(token) is ErrorCode.BAD_SIGNATURE


def test_refuses_a_payload_changed_after_signing() -> None:
    head, _, signature = jws.sign(KEY, TYP, PAYLOAD).split(".")
    assert (
        refused(f"{head}.{b64u(canonical.dumps({'action': 'test', 'n': 2}))}.{signature}") is ErrorCode.BAD_SIGNATURE
    )


def test_the_malleable_twin_of_a_signature_has_the_same_identity() -> None:
    token = jws.sign(KEY, TYP, PAYLOAD)
    signing_input, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    # (r, n - s) verifies wherever (r, s) does.
    twin = raw[:32] + (N - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    first, second = jws.verify(token, TYP), jws.verify(f"{signing_input}.{b64u(twin)}", TYP)
    assert first.token != second.token
    assert (first.signer, first.payload_digest) == (second.signer, second.payload_digest)


def test_the_limit_is_the_callers() -> None:
    token = jws.sign(KEY, TYP, {"text": "x" * 200_000})
    assert refused(token) is ErrorCode.MALFORMED_INTENT
    assert len(jws.verify(token, TYP, limit=300_000).payload["text"]) == 200_000


def test_the_repr_shows_neither_payload_nor_token() -> None:
    signed = jws.verify(jws.sign(KEY, TYP, {"secret": "canary"}), TYP)
    assert "canary" not in repr(signed)
    assert signed.token not in repr(signed)


def test_verifying_costs_little_more_than_its_signature_for_known_signers() -> None:
    """A ratio of the best of many, so that a loaded machine slows both."""
    token = jws.sign(KEY, TYP, PAYLOAD)
    jws.verify(token, TYP)
    key, algorithm = KEY.private_key.public_key(), ec.ECDSA(SHA256())
    signature = KEY.private_key.sign(b"payload", algorithm)
    least = _best(lambda: key.verify(signature, b"payload", algorithm))
    assert _best(lambda: jws.verify(token, TYP)) < 10 * least


def _best(act: Callable[[], object]) -> float:
    def seconds() -> float:
        start = time.perf_counter()
        act()
        return time.perf_counter() - start

    return min(seconds() for _ in range(200))
