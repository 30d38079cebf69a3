"""The data that a seller keeps: its exact digest, its fingerprint, its facts. Read in place, never uploaded."""

import mimetypes
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path

from countermark import fingerprint
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.protocol.commitments import fingerprint_root


@dataclass(frozen=True)
class Data:
    """One file as its holder sees it; the repr shows where it lies and nothing of what it is."""

    path: Path
    size: int
    media_type: str
    exact: bytes = field(repr=False)
    """SHA-256 of the file, 32 bytes."""
    items: tuple[bytes, ...] = field(repr=False)
    """Canonical item fingerprints (paper steps 2 and 19)."""

    @property
    def root(self) -> bytes:
        """Merkle root of the item fingerprints, 32 bytes."""
        return fingerprint_root(self.items)


def examine(path: Path, generator: str) -> Data:
    """Return what the market needs to know of the file ``path``; the same file gives the same on every machine (R22).

    Raises:
        ClientError: the file cannot be read or is not of a kind that ``generator`` takes.
    """
    try:
        with path.open("rb") as file:
            exact = file_digest(file, "sha256").digest()
            size = file.tell()
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{path} cannot be read: {error.strerror}") from error
    item = fingerprint_of(path, generator).to_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Data(path, size, media_type, exact, (item,))


def fingerprint_of(path: Path, generator: str) -> fingerprint.Fingerprint:
    """Return the fingerprint of the file ``path``.

    Raises:
        ClientError: with the fingerprint's own code when the file is not of a kind that ``generator`` takes.
    """
    try:
        return fingerprint.compute(path, generator)
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{path} cannot be read: {error.strerror}") from error
    except fingerprint.FingerprintError as error:
        detail = f"{path.name}: {error.detail}" if error.detail else path.name
        raise ClientError(str(error.code), detail, here=True) from error


def compare_files(a: Path, b: Path, generator: str) -> fingerprint.Comparison:
    """Return how much the file ``b`` looks like a copy of the file ``a``.

    Raises:
        ClientError: as `fingerprint_of`.
    """
    try:
        return fingerprint.compare(fingerprint_of(a, generator), fingerprint_of(b, generator))
    except fingerprint.FingerprintError as error:
        raise ClientError(str(error.code), error.detail, here=True) from error
