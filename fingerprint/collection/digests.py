"""The digest of a file of a collection."""

from hashlib import sha256
from typing import BinaryIO, Final

__all__ = ["digest_of"]

_PIECE: Final = 1 << 20


def digest_of(file: BinaryIO) -> bytes:
    """Return the SHA-256, 32 bytes, of what is left of `file`, which is read to its end."""
    hashed = sha256()
    while piece := file.read(_PIECE):
        hashed.update(piece)
    return hashed.digest()
