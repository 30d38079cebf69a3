"""Private files, written whole or not at all; and locks between the processes that share them."""

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""How file systems that know no hard links say so."""


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
def replacing(path: Path, *, partial: Path | None = None, clobber: bool = True) -> Iterator[BinaryIO]:
    """Give a new file that takes the name ``path`` only when the block ends well; else nothing is left of it.

    The file is readable by its owner only, and lies beside ``path`` while it is written, as ``partial`` where that
    is given, in the place of what an earlier try has left there. When the block has ended, the file outlives a crash
    of the machine.

    Raises:
        FileExistsError: there is a ``path`` already, and it is not to be clobbered.
    """
    if partial is None:
        partial = path.with_name(f".{secrets.token_hex(8)}.partial")
    else:
        partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if clobber:
            partial.replace(path)
        else:
            _move(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    # A name is only on the disk when its folder is.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _move(partial: Path, path: Path) -> None:
    """Give the file ``partial`` the name ``path``, which nothing may have yet."""
    try:
        os.link(partial, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists() or path.is_symlink():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        partial.replace(path)
    else:
        partial.unlink()


def write_private(path: Path, data: bytes, *, clobber: bool = True) -> None:
    """Write ``data`` to ``path`` as `replacing` does."""
    with replacing(path, clobber=clobber) as file:
        file.write(data)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``, made where it is missing, while the block runs; wait for whoever holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
