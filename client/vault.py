"""What an account must remember besides its keys, encrypted: openings of its listings, one-time keys of its trades.

Losing a one-time key loses the data that was bought with it, so a record is on the disk before the request that
depends on it leaves.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import locked, private_folder, write_private
from countermark.protocol import canonical

_NAME = re.compile(r"[a-z0-9_-]{1,100}")
_NONCE_BYTES = 12


class Vault:
    """Records by kind and name, each in a file of its own under AES-256-GCM; kind and name are bound to it."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._cipher = AESGCM(key)

    def put(self, kind: str, name: str, record: dict[str, Any]) -> None:
        """Store ``record``, replacing an older one."""
        path = self._path(kind, name)
        private_folder(path.parent)
        nonce = os.urandom(_NONCE_BYTES)
        write_private(path, nonce + self._cipher.encrypt(nonce, canonical.dumps(record), f"{kind}/{name}".encode()))

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return the record, or None.

        Raises:
            ClientError: the file was altered, or belongs to another account.
        """
        try:
            data = self._path(kind, name).read_bytes()
        except FileNotFoundError:
            return None
        try:
            plain = self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], f"{kind}/{name}".encode())
        except (InvalidTag, ValueError):
            raise ClientError(REFUSED_HERE, f"the vault's record {kind}/{name} was altered") from None
        record: dict[str, Any] = canonical.loads(plain)
        return record

    def delete(self, kind: str, name: str) -> None:
        """Forget a record; one that is not there is no error."""
        self._path(kind, name).unlink(missing_ok=True)

    @contextmanager
    def locked(self, kind: str, name: str) -> Iterator[None]:
        """Keep other processes from whatever they do to the record under this lock, while the block runs."""
        folder = private_folder(self._path(kind, name).parent)
        # Few locks for any number of names: now and then two acts wait for each other that need not.
        with locked(folder / f".lock-{sha256(name.encode()).hexdigest()[:2]}"):
            yield

    def names(self, kind: str) -> list[str]:
        """Return the names of the records of ``kind``, sorted."""
        folder = self._folder / kind
        if not folder.is_dir():
            return []
        return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))

    def _path(self, kind: str, name: str) -> Path:
        assert _NAME.fullmatch(kind)
        if not _NAME.fullmatch(name):
            raise ClientError(REFUSED_HERE, "a record's name has letters, digits, _ and - only")
        return self._folder / kind / name
