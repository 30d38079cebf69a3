"""Private files, written whole or not at all."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def private_folder(path: Path) -> Path:
    """Return ``path``, made where it is missing, with its missing parents, for its owner only."""
    for folder in [*reversed(path.parents), path]:
        # Path.mkdir(parents=True) would make the parents for everybody.
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    return path


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a new file that takes the name ``path`` only when the block ends well; else nothing is left of it.

    The file is readable by its owner only, and lies beside ``path`` while it is written. When the block has ended,
    the file outlives a crash of the machine.
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
    # A name is only on the disk when its folder is.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_private(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` as `replacing` does."""
    with replacing(path) as file:
        file.write(data)
