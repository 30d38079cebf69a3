"""Files of key material: written whole or not at all, private keys for their owner only."""

import os
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_file(path: Path, data: bytes, *, mode: int = PUBLIC) -> None:
    """Write `data` to `path` with `mode` by rename, so that no reader ever sees half a file or a wider mode.

    File and name are on disk when this returns.
    """
    make_directory(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    # O_EXCL: a file that somebody left there must not lend its mode or its owner to a private key.
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def make_directory(path: Path, *, mode: int = 0o777) -> None:
    """Make the folder `path` with `mode`, and those above it, where they are missing; they are on disk then."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True, mode=mode)
    for one in reversed(missing):
        sync_directory(one.parent)


def sync_directory(path: Path) -> None:
    """Return when the names in the folder `path` are on disk: syncing a file does not sync its name."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
