from typing import Any

import pytest

from countermark.protocol import sealed
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import EncryptionKey

MARKET = "market/countermark"
KEY, OLD_KEY, OTHER = (EncryptionKey.generate() for _ in range(3))
KEYS = {1: OLD_KEY, 2: KEY}
SECRET = b"a fingerprint"


def seal(public: str = KEY.public, **changes: Any) -> dict[str, Any]:
    return sealed.seal(public, SECRET, **{"kind": "listing", "market": MARKET, "key_version": 2} | changes)


def refused(message: object, keys: dict[int, EncryptionKey] = KEYS) -> ErrorCode:
    with pytest.raises(MarketError) as refusal:
        sealed.open_sealed(keys, message, kind="listing", market=MARKET)
    assert refusal.value.__cause__ is None
    return refusal.value.code


@pytest.mark.requirement("R80")
@pytest.mark.requirement("R82")
def test_only_the_receiver_reads_a_sealed_message() -> None:
    message = seal()
    ciphertext = unb64u(message["ciphertext"])
    assert SECRET not in ciphertext
    assert len(ciphertext) == len(SECRET) + sealed.OVERHEAD
    assert sealed.open_sealed(KEYS, message, kind="listing", market=MARKET) == SECRET
    assert refused(message, {2: OTHER}) is ErrorCode.SEALED_UNDECRYPTABLE


def test_an_old_key_stays_usable() -> None:
    message = seal(OLD_KEY.public, key_version=1)
    assert sealed.open_sealed(KEYS, message, kind="listing", market=MARKET) == SECRET


def test_equal_messages_look_different() -> None:
    assert seal()["ciphertext"] != seal()["ciphertext"]


def changed(**changes: object) -> dict[str, object]:
    return seal() | changes


def with_byte(at: int) -> dict[str, object]:
    raw = bytearray(unb64u(seal()["ciphertext"]))
    raw[at] ^= 1
    return changed(ciphertext=b64u(bytes(raw)))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param(None, ErrorCode.SEALED_MALFORMED, id="null"),
        pytest.param([], ErrorCode.SEALED_MALFORMED, id="an array"),
        pytest.param({}, ErrorCode.SEALED_MALFORMED, id="empty"),
        pytest.param(changed(extra=1), ErrorCode.SEALED_MALFORMED, id="unknown member"),
        pytest.param(changed(v=2), ErrorCode.SEALED_MALFORMED, id="version 2"),
        pytest.param(changed(v=True), ErrorCode.SEALED_MALFORMED, id="version true"),
        pytest.param(changed(key_version="2"), ErrorCode.SEALED_MALFORMED, id="key version as text"),
        pytest.param(changed(key_version=True), ErrorCode.SEALED_MALFORMED, id="key version true"),
        pytest.param(changed(kind="search"), ErrorCode.SEALED_MALFORMED, id="relabelled as another kind"),
        pytest.param(changed(ciphertext=7), ErrorCode.SEALED_MALFORMED, id="ciphertext a number"),
        pytest.param(changed(ciphertext="AA=="), ErrorCode.SEALED_MALFORMED, id="ciphertext padded"),
        pytest.param(
            changed(ciphertext=b64u(bytes(sealed.OVERHEAD - 1))), ErrorCode.SEALED_MALFORMED, id="too short"
        ),
        pytest.param(changed(key_version=3), ErrorCode.UNKNOWN_KEY_VERSION, id="unknown key version"),
        pytest.param(changed(key_version=2**80), ErrorCode.UNKNOWN_KEY_VERSION, id="absurd key version"),
        pytest.param(changed(key_version=1), ErrorCode.SEALED_UNDECRYPTABLE, id="relabelled as the old key's"),
        pytest.param(seal(KEY.public, key_version=1), ErrorCode.SEALED_UNDECRYPTABLE, id="sealed to another version"),
        pytest.param(seal(kind="search") | {"kind": "listing"}, ErrorCode.SEALED_UNDECRYPTABLE, id="of another kind"),
        pytest.param(seal(market="market/other"), ErrorCode.SEALED_UNDECRYPTABLE, id="for another market"),
        pytest.param(seal(OTHER.public), ErrorCode.SEALED_UNDECRYPTABLE, id="to another receiver"),
        pytest.param(with_byte(0), ErrorCode.SEALED_UNDECRYPTABLE, id="flip in the ML-KEM part"),
        pytest.param(with_byte(1100), ErrorCode.SEALED_UNDECRYPTABLE, id="flip in the X25519 part"),
        pytest.param(with_byte(1121), ErrorCode.SEALED_UNDECRYPTABLE, id="flip in the text"),
        pytest.param(with_byte(-1), ErrorCode.SEALED_UNDECRYPTABLE, id="flip in the tag"),
        pytest.param(changed(ciphertext=b64u(bytes(2000))), ErrorCode.SEALED_UNDECRYPTABLE, id="zeros"),
    ],
)
def test_refuses(message: object, code: ErrorCode) -> None:
    assert refused(message) is code


def test_one_key_under_two_versions_does_not_make_their_messages_interchangeable() -> None:
    assert refused(changed(key_version=1), {1: KEY, 2: KEY}) is ErrorCode.SEALED_UNDECRYPTABLE


def test_a_private_key_comes_back_from_its_96_bytes() -> None:
    secret = KEY.to_bytes()
    assert len(secret) == sealed.PRIVATE_KEY_BYTES
    again = EncryptionKey.from_bytes(secret)
    assert again.public == KEY.public
    assert sealed.unwrap(again, sealed.wrap(KEY.public, SECRET, info=b"x"), info=b"x") == SECRET
    with pytest.raises(MarketError, match="96 bytes"):
        EncryptionKey.from_bytes(secret[:-1])


def test_the_repr_shows_nothing() -> None:
    assert repr(KEY) == "EncryptionKey(…)"


def test_a_wrapped_secret_opens_for_its_purpose_alone() -> None:
    wrapped = sealed.wrap(KEY.public, SECRET, info=b"trade 1")
    assert sealed.unwrap(KEY, wrapped, info=b"trade 1") == SECRET
    with pytest.raises(MarketError) as refusal:
        sealed.unwrap(KEY, wrapped, info=b"trade 2")
    assert refusal.value.code is ErrorCode.SEALED_UNDECRYPTABLE


RAW = unb64u(KEY.public)
# FIPS 203 section 7.2: a coefficient of 12 bits at or above q = 3329.
UNREDUCED = b"\xff" * 3 + RAW[3:]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param(KEY.public + "A", id="too long"),
        pytest.param(b64u(RAW[:-1]), id="too short"),
        pytest.param(b64u(UNREDUCED), id="ML-KEM coefficient past q"),
        pytest.param(b64u(RAW[:1184] + bytes(32)), id="X25519 point 0, of low order"),
        pytest.param(b64u(RAW[:1184] + b"\x01" + bytes(31)), id="X25519 point 1, of low order"),
    ],
)
def test_a_key_to_which_nobody_can_encrypt_is_refused_before_a_seller_is_bound_by_it(text: object) -> None:
    assert sealed.parse_public(KEY.public) == KEY.public
    with pytest.raises(MarketError) as refusal:
        sealed.parse_public(text)
    assert refusal.value.code is ErrorCode.MALFORMED_KEY
