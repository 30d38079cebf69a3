"""Files of key material: written whole or not at all, private keys for their owner only."""

import os
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_file(path: Path, data: bytes, *, mode: int = PUBLIC) -> None:
    """Write `data` to `path` with `mode` by rename, so that no reader ever sees half a file or a wider mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
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
