"""The data that a party holds: exact digest, fingerprints, facts. Read in place, never uploaded.

A file is one thing, a folder or zip archive a collection of things (`collections`); of which kind a thing is, its
content says. Which generators fingerprint it, the market says to the seller, and the contract to the buyer.
"""

import mimetypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from countermark import fingerprint
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.fingerprint import kinds
from countermark.fingerprint.collection.digests import digest_of
from countermark.protocol.commitments import fingerprint_root
from countermark.protocol.errors import ErrorCode
from countermark.protocol.manifests import File
from countermark.protocol.market import kind_of

Choice = Callable[[str], Sequence[str]]
"""Returns for a kind of data the generators that fingerprint it, sorted; none where such data are not expected."""


@dataclass(frozen=True)
class Data:
    """Data as their holder sees them; the repr shows where they lie and nothing of what they are."""

    path: Path
    kind: str
    size: int
    """Bytes, of all files together."""
    media_type: str
    exact: bytes = field(repr=False)
    """SHA-256 of the file, or root of the collection's manifest, 32 bytes."""
    items: tuple[bytes, ...] = field(repr=False)
    """Canonical item fingerprints in the order of their generators' names (paper steps 2 and 19)."""
    generators: tuple[str, ...] = ()
    """Of these, sorted."""
    files: tuple[File, ...] = field(default=(), repr=False)
    """Of a collection."""

    @property
    def root(self) -> bytes:
        """Merkle root of the item fingerprints, 32 bytes."""
        return fingerprint_root(self.items)

    @property
    def count(self) -> int:
        """How many things they are: the files of a collection, or one."""
        return len(self.files) or 1


def kind_of_path(path: Path) -> str:
    """Return the kind of what lies at ``path``.

    Raises:
        ClientError: it cannot be read, or is empty.
    """
    if path.is_dir():
        return kinds.COLLECTION
    with reading(path) as file:
        return kinds.kind_of(file)


def examine_file(path: Path, kind: str, choose: Choice) -> Data:
    """Return what the market needs to know of the file ``path`` of a ``kind`` that is no collection (R22).

    Raises:
        ClientError: the file cannot be read, or its generators do not take it.
    """
    generators = chosen(kind, choose)
    with reading(path) as file:
        exact = digest_of(file)
        size = file.tell()
        items = tuple(fingerprints_of(file, generators))
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Data(path, kind, size, media_type, exact, items, tuple(generators))


def only(generators: Sequence[str]) -> Choice:
    """Return the choice of those of ``generators`` that are of a thing's kind: what a contract says to its buyer."""
    return lambda kind: [generator for generator in sorted(generators) if kind_of(generator) == kind]


def chosen(kind: str, choose: Choice) -> list[str]:
    """Return the generators that ``choose`` gives for ``kind``.

    Raises:
        ClientError: there are none.
    """
    generators = list(choose(kind))
    if not generators:
        raise ClientError(
            str(ErrorCode.INCOMPATIBLE_FINGERPRINTS), f"data of the kind {kind} are not expected", here=True
        )
    return generators


def fingerprints_of(file: BinaryIO, generators: Sequence[str]) -> list[bytes]:
    """Return the canonical fingerprints of ``file`` by each of ``generators``.

    Raises:
        FingerprintError: one of them does not take it.
    """
    made = []
    for generator in generators:
        file.seek(0)
        made.append(fingerprint.compute(file, generator).to_bytes())
    return made


def default_generator(path: Path) -> str:
    """Return the newest generator for the kind of the file ``path``.

    Raises:
        ClientError: as `kind_of_path`.
    """
    return fingerprint.newest_generator(kind_of_path(path))


def fingerprint_of(path: Path, generator: str) -> fingerprint.Fingerprint:
    """Return the fingerprint of the file ``path``, of whatever kind it may be.

    Raises:
        ClientError: with the fingerprint's own code when ``generator`` does not take the file.
    """
    with reading(path) as file:
        return fingerprint.compute(file, generator)


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Give the file ``path``, and say which one it was when it cannot be read or is not of the expected kind.

    Raises:
        ClientError: with the fingerprint's own code when it is not.
    """
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{path} cannot be read: {error.strerror}") from error
    except fingerprint.FingerprintError as error:
        raise failed(path.name, error) from error


def failed(name: str, error: fingerprint.FingerprintError) -> ClientError:
    """Return the error that says why ``name`` has no fingerprint."""
    return ClientError(str(error.code), f"{name}: {error.detail}" if error.detail else name, here=True)
