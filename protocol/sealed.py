"""Small messages that one receiver alone can read: HPKE base mode, single shot (RFC 9180).

Suite: the hybrid KEM MLKEM768-X25519, HKDF-SHA256, AES-256-GCM: reading one takes breaking both X25519 and ML-KEM.
A sealed message is ``{"ciphertext","key_version","kind","v":1}``; kind, market and key version are bound as ``info``,
so a message cannot pass for one of another kind, another market or another key.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from countermark.protocol import canonical
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

PUBLIC_KEY_BYTES = 1216
"""1,184 bytes of ML-KEM-768, then 32 of X25519."""
PRIVATE_KEY_BYTES = 96
"""64 bytes of ML-KEM seed, then 32 of X25519."""
OVERHEAD = 1136
"""Bytes by which a ciphertext is longer than its plaintext: encapsulation and tag."""

_MLKEM_PUBLIC, _MLKEM_SEED = 1184, 64
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_MEMBERS = {"ciphertext", "key_version", "kind", "v"}

# Any scalar finds a point of low order, since all scalars are multiples of the cofactor; this one is no secret.
_PROBE = x25519.X25519PrivateKey.from_private_bytes(b"\x08" + bytes(31))


class EncryptionKey:
    """The private half of an encryption key. Its repr shows nothing of it."""

    __slots__ = ("_key", "_mlkem", "_x25519")

    def __init__(self, mlkem_key: mlkem.MLKEM768PrivateKey, x25519_key: x25519.X25519PrivateKey) -> None:
        self._mlkem = mlkem_key
        self._x25519 = x25519_key
        self._key = hpke.MLKEM768X25519PrivateKey(mlkem_key, x25519_key)

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Return the key of which `to_bytes` wrote the 96 bytes ``secret``.

        Raises:
            MarketError: MALFORMED_KEY.
        """
        if len(secret) != PRIVATE_KEY_BYTES:
            raise MarketError(ErrorCode.MALFORMED_KEY, f"a private encryption key has {PRIVATE_KEY_BYTES} bytes")
        return cls(
            mlkem.MLKEM768PrivateKey.from_seed_bytes(secret[:_MLKEM_SEED]),
            x25519.X25519PrivateKey.from_private_bytes(secret[_MLKEM_SEED:]),
        )

    def to_bytes(self) -> bytes:
        """Return the key as 96 bytes: ML-KEM seed, X25519 scalar; secret."""
        return self._mlkem.private_bytes_raw() + self._x25519.private_bytes_raw()

    @property
    def public(self) -> str:
        """The public half: base64url of 1,216 bytes."""
        return b64u(self._mlkem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return "EncryptionKey(…)"


@lru_cache(maxsize=1024)
def _load_public(text: str) -> hpke.MLKEM768X25519PublicKey:
    raw = unb64u(text, length=PUBLIC_KEY_BYTES, code=ErrorCode.MALFORMED_KEY)
    try:
        mlkem_key = mlkem.MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC])
        x25519_key = x25519.X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:])
        _PROBE.exchange(x25519_key)
    except ValueError:
        raise MarketError(ErrorCode.MALFORMED_KEY, "nothing can be encrypted to such a key") from None
    return hpke.MLKEM768X25519PublicKey(mlkem_key, x25519_key)


def parse_public(text: object) -> str:
    """Return ``text`` if it is a public key to which one can encrypt.

    A buyer whose one-time key only looked like one could make his seller miss the deadline and lose the bond, so
    ML-KEM's modulus check (FIPS 203 section 7.2) and X25519's low-order points are looked at here.

    Raises:
        MarketError: MALFORMED_KEY.
    """
    if not isinstance(text, str):
        raise MarketError(ErrorCode.MALFORMED_KEY, "a public key is base64url text")
    _load_public(text)
    return text


def wrap(public: str, secret: bytes, *, info: bytes) -> bytes:
    """Return ``secret`` encrypted to the key ``public`` for the purpose ``info``; `OVERHEAD` bytes longer.

    Raises:
        MarketError: MALFORMED_KEY.
    """
    return _SUITE.encrypt(secret, _load_public(public), info)


def unwrap(key: EncryptionKey, wrapped: bytes, *, info: bytes) -> bytes:
    """Return what `wrap` encrypted to ``key`` under the same ``info``.

    Raises:
        MarketError: SEALED_UNDECRYPTABLE.
    """
    try:
        return _SUITE.decrypt(wrapped, key._key, info)
    except InvalidTag:
        raise MarketError(ErrorCode.SEALED_UNDECRYPTABLE, "not encrypted to this key and purpose") from None


def seal(public: str, plaintext: bytes, *, kind: str, market: str, key_version: int) -> dict[str, Any]:
    """Return the sealed message that carries ``plaintext`` to the holder of version ``key_version`` of ``public``.

    Raises:
        MarketError: MALFORMED_KEY.
    """
    ciphertext = wrap(public, plaintext, info=_info(kind, market, key_version))
    return {"v": 1, "kind": kind, "key_version": key_version, "ciphertext": b64u(ciphertext)}


def open_sealed(keys: Mapping[int, EncryptionKey], message: object, *, kind: str, market: str) -> bytes:
    """Return the plaintext of a sealed message of this ``kind`` and ``market``.

    Args:
        keys: the receiver's private keys by version: the current one, and old ones for as long as they are due.
        message: what should be a sealed message.
        kind: what the message must be.
        market: channel/chaincode.

    Raises:
        MarketError: SEALED_MALFORMED, UNKNOWN_KEY_VERSION, SEALED_UNDECRYPTABLE.
    """
    if not isinstance(message, dict) or set(message) != _MEMBERS:
        raise MarketError(ErrorCode.SEALED_MALFORMED, "a sealed message has exactly ciphertext, key_version, kind, v")
    version = message["key_version"]
    # bool is an int to Python, and True == 1.
    if type(message["v"]) is not int or message["v"] != 1 or type(version) is not int:
        raise MarketError(ErrorCode.SEALED_MALFORMED, "v is 1 and key_version an integer")
    if message["kind"] != kind:
        raise MarketError(ErrorCode.SEALED_MALFORMED, f"the message's kind must be {kind}")
    ciphertext = unb64u(message["ciphertext"], code=ErrorCode.SEALED_MALFORMED)
    if len(ciphertext) < OVERHEAD:
        raise MarketError(ErrorCode.SEALED_MALFORMED, "the ciphertext is too short")
    key = keys.get(version)
    if key is None:
        raise MarketError(ErrorCode.UNKNOWN_KEY_VERSION, "the receiver has no key of that version")
    return unwrap(key, ciphertext, info=_info(kind, market, version))


def _info(kind: str, market: str, key_version: int) -> bytes:
    return canonical.dumps({"key_version": key_version, "kind": kind, "market": market})
