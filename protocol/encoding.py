"""Text forms of bytes: base64url, base32 and ``sha256:`` digests, each with exactly one spelling."""

import base64
import binascii
import hashlib
import re

from countermark.protocol.errors import ErrorCode, MarketError

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)


def b64u(data: bytes) -> str:
    """Return ``data`` in base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64u(text: object, *, length: int | None = None, code: ErrorCode = ErrorCode.MALFORMED_REQUEST) -> bytes:
    """Return the bytes of base64url text without padding, accepting only the one spelling of ``b64u``.

    Args:
        text: what should be the text.
        length: how many bytes it must hold, where fixed.
        code: what a refusal is called.

    Raises:
        MarketError: ``code``; padding, other alphabets, non-zero spare bits, or a wrong length.
    """
    if not isinstance(text, str) or _BASE64URL.fullmatch(text) is None:
        raise MarketError(code, "not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise MarketError(code, "not base64url without padding") from None
    if b64u(data) != text:
        raise MarketError(code, "base64url with spare bits set")
    if length is not None and len(data) != length:
        raise MarketError(code, f"expected {length} bytes")
    return data


def base32(data: bytes) -> str:
    """Return ``data`` in lower-case base32 without padding (RFC 4648 section 6): the form of addresses and ids."""
    return base64.b32encode(data).rstrip(b"=").decode("ascii").lower()


def digest(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as ``sha256:<64 hex digits>``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def as_digest(raw: bytes) -> str:
    """Return 32 bytes that are already a SHA-256 in the form of ``digest``."""
    if len(raw) != hashlib.sha256().digest_size:
        raise ValueError("a SHA-256 digest has 32 bytes")
    return "sha256:" + raw.hex()


def undigest(text: object, *, code: ErrorCode = ErrorCode.MALFORMED_REQUEST) -> bytes:
    """Return the 32 bytes of a ``sha256:<hex>`` digest.

    Raises:
        MarketError: ``code``; anything but lower-case hex of the right length.
    """
    match = _DIGEST.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise MarketError(code, "not a sha256:<hex> digest")
    return bytes.fromhex(match.group(1))
