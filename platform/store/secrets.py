"""Sealed columns: AES-256-GCM under a key that the database never sees (NIST SP 800-38D).

Layout: version 1 (1 byte) | key id (4 bytes, big-endian) | nonce (12 random bytes) | ciphertext and tag. The context,
such as `data_contracts/dc1…/description`, is authenticated too: bytes moved to another row or column do not open.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countermark.protocol import canonical
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

_VERSION = b"\x01"
_NONCE = 12
_HEADER = len(_VERSION) + 4


class SecretBox:
    """Seals under the current key and opens under any key it holds, so that keys can be changed."""

    def __init__(self, keys: Mapping[int, bytes], current: int) -> None:
        """Take keys of 32 bytes by their id, and the id of the one that seals."""
        if current not in keys or any(len(key) != 32 for key in keys.values()):
            raise ValueError("keys have 32 bytes, and the current one is among them")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = current

    @classmethod
    def at(cls, path: Path) -> Self:
        """Return the box whose keys lie in the file `path`; the first time, one key is made there (mode 0600).

        Raises:
            MarketError: INTERNAL when the file is not such a file.
        """
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls._load(path)
        with os.fdopen(descriptor, "wb") as file:
            file.write(canonical.dumps({"current": 1, "keys": {"1": b64u(os.urandom(32))}}))
            file.flush()
            os.fsync(file.fileno())
        return cls._load(path)

    @classmethod
    def _load(cls, path: Path) -> Self:
        damaged = MarketError(ErrorCode.INTERNAL, f"{path} holds no keys for sealed columns")
        try:
            document = canonical.loads(path.read_bytes())
            keys = {int(key_id): unb64u(key, length=32) for key_id, key in document["keys"].items()}
            return cls(keys, document["current"])
        except (MarketError, KeyError, TypeError, ValueError, AttributeError):
            # No cause: the parser's message may quote a key.
            raise damaged from None

    def seal(self, data: bytes, *, context: str) -> bytes:
        """Return `data` sealed for the place that `context` names."""
        header = _VERSION + self._current.to_bytes(4, "big")
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, data, header + context.encode())
        return header + nonce + sealed

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed for `context`.

        Raises:
            MarketError: INTERNAL when the bytes were changed or moved, or their key is unknown: the database was
                damaged, never a party's fault.
        """
        header, nonce = sealed[:_HEADER], sealed[_HEADER : _HEADER + _NONCE]
        cipher = self._ciphers.get(int.from_bytes(header[1:], "big"))
        if header[:1] != _VERSION or cipher is None or len(nonce) != _NONCE:
            raise MarketError(ErrorCode.INTERNAL, f"the sealed column {context} has no known key")
        try:
            return cipher.decrypt(nonce, sealed[_HEADER + _NONCE :], header + context.encode())
        except InvalidTag:
            raise MarketError(ErrorCode.INTERNAL, f"the sealed column {context} was damaged or moved") from None
