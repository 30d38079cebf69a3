"""The digest of the contracts' code, by which organisations know what they approve.

`python -m countermark.chaincode.code` prints it. It covers every module of `chaincode` and of `protocol`, which is
all of this project that the contracts run. Python and the libraries below are not in it; requirements.lock pins them.
"""

import gzip
import hashlib
import io
import json
import sys
import tarfile
import zlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from countermark.chaincode.shim.errors import ShimError

_PACKAGES = ("chaincode", "protocol")
_LARGEST = 1 << 20


def code_digest() -> str:
    """Return `sha256:` and the digest of the code that is installed here."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        _add(digest, files(f"countermark.{package}"), package)
    return f"sha256:{digest.hexdigest()}"


def check_package(path: Path, ccid: str) -> None:
    """Return if the package in the file `path` has the id `ccid` and was made for the code that is installed here.

    Raises:
        ShimError: It has not, was not, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST)
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = io.BytesIO(packed.read(_LARGEST))
        with tarfile.open(fileobj=unpacked, mode="r:") as archive:
            member = archive.extractfile("metadata.json")
            metadata = json.loads(member.read()) if member else {}
        label, digest = metadata["label"], metadata["code_digest"]
    except (
        OSError,
        EOFError,
        tarfile.TarError,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:
        raise ShimError(f"{path} is not a chaincode package of this project") from error
    if ccid != f"{label}:{hashlib.sha256(data).hexdigest()}":
        raise ShimError(f"{path} is not the package {ccid}")
    if digest != code_digest():
        raise ShimError(f"{path} was made for other code ({digest}) than is installed here ({code_digest()})")


def _add(digest: "hashlib._Hash", folder: Traversable, name: str) -> None:
    """Add name, length and bytes of each module below `folder`, in the order of their names."""
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        path = f"{name}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                _add(digest, entry, path)
        elif entry.name.endswith(".py"):
            data = entry.read_bytes()
            digest.update(f"{path}\0{len(data)}\0".encode())
            digest.update(data)


if __name__ == "__main__":
    sys.stdout.write(f"{code_digest()}\n")
