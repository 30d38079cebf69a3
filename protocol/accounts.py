"""Accounts: P-256 signing keys whose public half, as a ``did:key``, is the account's address (D-4).

The address is ``did:key:`` + ``z`` + base58btc(0x80 0x24 ‖ compressed point): multicodec ``p256-pub`` in multibase,
as did:key section 3.1.3 has it. Every P-256 key gives 35 bytes, hence 48 base58 digits that begin with ``Dn``.
"""

import re
from functools import lru_cache
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countermark.protocol.errors import ErrorCode, MarketError

PRIVATE_KEY_BYTES = 32
SIGNATURE_BYTES = 64

_P256_PUB = b"\x80\x24"
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT = {character: value for value, character in enumerate(_ALPHABET)}
_ADDRESS = re.compile(r"did:key:z(Dn[1-9A-HJ-NP-Za-km-z]{46})")
_ADDRESS_BYTES = len(_P256_PUB) + 33


class AccountKey:
    """The private half of an account, by which `jws` signs what it asks for. Its repr shows the address alone."""

    __slots__ = ("_address", "_private")

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(private.curve, ec.SECP256R1):
            raise MarketError(ErrorCode.MALFORMED_KEY, "an account's key lies on P-256")
        self._private = private
        self._address = address_of(private.public_key())

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Return the key whose private scalar is the 32 big-endian bytes ``secret``.

        Raises:
            MarketError: MALFORMED_KEY.
        """
        if len(secret) != PRIVATE_KEY_BYTES:
            raise MarketError(ErrorCode.MALFORMED_KEY, "an account's private key has 32 bytes")
        try:
            return cls(ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1()))
        except ValueError:
            raise MarketError(ErrorCode.MALFORMED_KEY, "not a private scalar of P-256") from None

    def to_bytes(self) -> bytes:
        """Return the private scalar as 32 big-endian bytes; secret."""
        return self._private.private_numbers().private_value.to_bytes(PRIVATE_KEY_BYTES, "big")

    @property
    def address(self) -> str:
        """The account's address, ``did:key:zDn…``."""
        return self._address

    @property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """The key object itself, for libraries that sign on their own (JWS, RFC 9421); secret."""
        return self._private

    def __repr__(self) -> str:
        return f"AccountKey({self._address})"


def address_of(public: ec.EllipticCurvePublicKey) -> str:
    """Return the address of the account whose public key is ``public``, a point of P-256."""
    point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    number = int.from_bytes(_P256_PUB + point, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_ALPHABET[digit])
    return "did:key:z" + "".join(reversed(digits))


@lru_cache(maxsize=8192)
def public_key(address: str) -> ec.EllipticCurvePublicKey:
    """Return the public key that ``address`` spells; remembered, since finding the point costs a square root.

    Raises:
        MarketError: MALFORMED_ADDRESS: not a did:key, not P-256, not a point, or not its only spelling.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise MarketError(ErrorCode.MALFORMED_ADDRESS, "not a did:key of a P-256 key")
    number = 0
    for character in match.group(1):
        number = number * 58 + _DIGIT[character]
    try:
        raw = number.to_bytes(_ADDRESS_BYTES, "big")
        if not raw.startswith(_P256_PUB):
            raise ValueError
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw[len(_P256_PUB) :])
    except (OverflowError, ValueError):
        raise MarketError(ErrorCode.MALFORMED_ADDRESS, "not a did:key of a P-256 key") from None
    # The form above leaves one spelling only; stated all the same, since accounts are compared as text.
    if address_of(public) != address:
        raise MarketError(ErrorCode.MALFORMED_ADDRESS, "not the address's only spelling")
    return public


def parse_address(text: object) -> str:
    """Return ``text`` if it is the address of a possible account.

    Raises:
        MarketError: MALFORMED_ADDRESS.
    """
    if not isinstance(text, str):
        raise MarketError(ErrorCode.MALFORMED_ADDRESS, "an address is text")
    public_key(text)
    return text
