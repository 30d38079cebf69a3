"""ECDSA signatures as Fabric wants them: P-256, SHA-256, DER, with the lower of the two values of s.

An ECDSA signature (r, s) stays valid as (r, n - s). Fabric refuses the higher one, so that nobody can make a second
valid form of a signed transaction.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from countermark.network.errors import SignatureError

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HALF_ORDER = P256_ORDER // 2
_ALGORITHM = ec.ECDSA(hashes.SHA256())


def is_low_s(signature: bytes) -> bool:
    """True if the DER signature `signature` has the lower s.

    Raises:
        SignatureError: The bytes are not a DER signature.
    """
    try:
        _, s = decode_dss_signature(signature)
    except ValueError as error:
        raise SignatureError("malformed_signature", "not a DER ECDSA signature") from error
    return s <= _HALF_ORDER


def sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Return the low-S DER signature of SHA-256(`data`) by the P-256 key `key`."""
    r, s = decode_dss_signature(key.sign(data, _ALGORITHM))
    return encode_dss_signature(r, min(s, P256_ORDER - s))


def verify(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    """Check that `signature` is the low-S DER signature of SHA-256(`data`) by `key`.

    Raises:
        SignatureError: It is not.
    """
    if not is_low_s(signature):
        raise SignatureError("high_s_signature", "s is above half the order of the curve")
    try:
        key.verify(signature, data, _ALGORITHM)
    except InvalidSignature as error:
        raise SignatureError("bad_signature", "the signature does not fit key and bytes") from error
