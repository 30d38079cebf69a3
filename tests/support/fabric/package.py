"""A chaincode package: the same bytes whenever and wherever it is made, hence the same id for every organisation."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.fabric.external_builder import KIND


@dataclass(frozen=True)
class Package:
    """A package and the label in it."""

    label: str
    data: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """What peers call the package, and as what its servers register."""
        return f"{self.label}:{hashlib.sha256(self.data).hexdigest()}"


def build(label: str) -> Package:
    """Return the package of a chaincode that each peer dials under its own organisation's address."""
    placed = {name: "{{." + name + "}}" for name in ("address", "client_cert", "client_key", "root_cert")}
    connection = {"dial_timeout": "10s", "tls_required": True, "client_auth_required": True, **placed}
    code = _archive({"connection.json": json.dumps(connection).encode()})
    metadata = json.dumps({"type": KIND, "label": label}).encode()
    return Package(label, _archive({"metadata.json": metadata, "code.tar.gz": code}))


def _archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
