"""Private files, written whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def private_folder(path: Path) -> Path:
    """Return ``path`` as a folder that only its owner can enter, made where it is missing."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a new file that takes the name ``path`` only when the block ends well; else nothing is left of it.

    The file is readable by its owner only, and lies beside ``path`` while it is written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_private(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` as `replacing` does."""
    with replacing(path) as file:
        file.write(data)
