"""A chaincode package: the same bytes whenever and wherever it is made, hence the same id for every organisation.

It names no addresses and no keys: each peer's external builder puts its own in their place. What it does name is the
digest of the contracts' code, so that the id that organisations approve stands for that code; the chaincode server
compares it when it starts.
"""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from countermark.network.lifecycle.errors import LifecycleError

KIND = "ccaas"
"""Type of chaincode that runs as a service of its own, as Fabric's own builder calls it."""

CLIENT_CERTIFICATE, CLIENT_KEY, ROOT_CERTIFICATE = "client_cert", "client_key", "root_cert"
ADDRESS_PREFIX = "address_"

# Uncompressed, because compressors of different versions give different bytes.
_LEVEL = 0
_LARGEST = 1 << 20


def address_variable(sequence: int) -> str:
    """Return the name under which a peer knows the address of the server for definitions with this `sequence`.

    Odd and even ones have different addresses, so that a server and its successor run side by side.
    """
    return f"{ADDRESS_PREFIX}{'odd' if sequence % 2 else 'even'}"


@dataclass(frozen=True, slots=True)
class Package:
    """A package and the label in it."""

    label: str
    data: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """What peers call the package, and as what its servers register."""
        return f"{self.label}:{hashlib.sha256(self.data).hexdigest()}"


def build(label: str, *, sequence: int, code_digest: str) -> Package:
    """Return the package for the definition with this `sequence`, of contracts whose code has `code_digest`."""
    placed = {name: _place(name) for name in (CLIENT_CERTIFICATE, CLIENT_KEY, ROOT_CERTIFICATE)}
    connection = {
        "address": _place(address_variable(sequence)),
        "dial_timeout": "10s",
        "tls_required": True,
        "client_auth_required": True,
        **placed,
    }
    code = _archive({"connection.json": json.dumps(connection).encode()})
    metadata = json.dumps({"type": KIND, "label": label, "code_digest": code_digest}).encode()
    return Package(label, _archive({"metadata.json": metadata, "code.tar.gz": code}))


def parse(data: bytes) -> Package:
    """Return the package in `data`.

    Raises:
        LifecycleError: It is none of ours.
    """
    if len(data) > _LARGEST:
        raise LifecycleError("malformed_package", "longer than a package of ours")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = io.BytesIO(packed.read(_LARGEST))
        with tarfile.open(fileobj=unpacked, mode="r:") as archive:
            member = archive.extractfile("metadata.json")
            metadata = json.loads(member.read()) if member else None
        label = metadata["label"] if isinstance(metadata, dict) else None
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError, KeyError, RecursionError) as error:
        raise LifecycleError("malformed_package", "not a chaincode package") from error
    if not isinstance(label, str):
        raise LifecycleError("malformed_package", "not a chaincode package of ours")
    return Package(label, data)


def _place(name: str) -> str:
    return "{{." + name + "}}"


def _archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=_LEVEL, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
