"""Signatures made by hand, for tokens that no honest signer would make."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from countermark.protocol.accounts import AccountKey


def sign(key: AccountKey, data: bytes) -> bytes:
    """Return the ECDSA-SHA256 signature over `data` as 64 bytes r ‖ s (RFC 7518 section 3.4)."""
    r, s = decode_dss_signature(key.private_key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
