"""The two hashes that make a chain of blocks."""

import hashlib
from collections.abc import Iterable


def header_bytes(number: int, previous_hash: bytes, data_hash: bytes) -> bytes:
    """Return a block header in ASN.1 DER: SEQUENCE of INTEGER number, OCTET STRING previous hash and data hash.

    Protobuf has more than one encoding of the same header; orderers sign, and the next block points to, this one.
    """
    body = (
        _der(0x02, number.to_bytes(number.bit_length() // 8 + 1)) + _der(0x04, previous_hash) + _der(0x04, data_hash)
    )
    return _der(0x30, body)


def header_hash(number: int, previous_hash: bytes, data_hash: bytes) -> bytes:
    """Return the SHA-256 by which the next block names this one."""
    return hashlib.sha256(header_bytes(number, previous_hash, data_hash)).digest()


def data_hash(envelopes: Iterable[bytes]) -> bytes:
    """Return the SHA-256 of the envelopes of a block, one after the other as they stand in it."""
    digest = hashlib.sha256()
    for envelope in envelopes:
        digest.update(envelope)
    return digest.digest()


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content
