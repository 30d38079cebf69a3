"""Files are copied and their digests taken in one pass, a piece at a time: memory does not grow with the ledger."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from countermark.network.identities.files import PRIVATE, make_directory, sync_directory
from countermark.network.native.errors import RunError
from countermark.network.operations.backups.manifest import File

_PIECE = 1 << 20
_OWNERS = 0o700


def copy_tree(source: Path, target: Path, *, without: Iterable[str] = ()) -> Iterator[File]:
    """Copy the files below `source` to `target`, which is made, and yield each by its path from `target` on.

    All of it is on disk when the iteration has ended. Nothing may write to `source` meanwhile; `without` are names
    in `source` that are left out.

    Raises:
        RunError: There is something that is neither file nor folder.
        OSError: A file cannot be read, or the disk of `target` is full.
    """
    make_directory(target, mode=_OWNERS)
    left_out = set(without)
    for entry in sorted(os.scandir(source), key=lambda one: one.name):
        if entry.name in left_out:
            continue
        place = target / entry.name
        if entry.is_dir(follow_symlinks=False):
            for file in copy_tree(Path(entry.path), place):
                yield File(f"{entry.name}/{file.path}", file.size, file.sha256)
        elif entry.is_file(follow_symlinks=False):
            with Path(entry.path).open("rb") as data:
                size, digest = write(data, place)
            yield File(entry.name, size, digest)
        else:
            raise RunError("not_copied", f"{entry.path} is neither a file nor a folder")
    sync_directory(target)


def write(data: BinaryIO, target: Path) -> tuple[int, str]:
    """Write `data` to the new file `target`, for its owner only, and return its size and SHA-256 in hex.

    Raises:
        OSError: It cannot be written.
    """
    size, digest = 0, hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        while piece := data.read(_PIECE):
            file.write(piece)
            digest.update(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def check(folder: Path, files: Iterable[File]) -> None:
    """Return if `files` of the backup in `folder` are as its manifest says.

    Raises:
        RunError: One is missing or damaged.
    """
    for one in files:
        with _open(folder, one) as data:
            digest = hashlib.sha256()
            while piece := data.read(_PIECE):
                digest.update(piece)
        _compare(folder, one, digest.hexdigest())


def copy_back(folder: Path, files: Iterable[File], below: str, target: Path) -> None:
    """Copy `files` of the backup in `folder` to `target`, which is made; their paths count from `below` on.

    Raises:
        RunError: One is missing or damaged: what was copied is of no use then.
        OSError: The disk of `target` is full.
    """
    make_directory(target, mode=_OWNERS)
    folders = {target}
    for one in files:
        place = target / Path(one.path).relative_to(below)
        make_directory(place.parent, mode=_OWNERS)
        folders.update(parent for parent in place.parents if parent.is_relative_to(target))
        with _open(folder, one) as data:
            _, digest = write(data, place)
        # It is read once more than `check` did, and may have gone bad in between.
        _compare(folder, one, digest)
    for made in folders:
        sync_directory(made)


def _open(folder: Path, file: File) -> BinaryIO:
    path = folder / file.path
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise RunError("damaged_backup", f"{path}: {error.strerror}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != file.size:
        os.close(descriptor)
        raise RunError("damaged_backup", f"{path} is not the file of {file.size} bytes that the manifest names")
    return os.fdopen(descriptor, "rb")


def _compare(folder: Path, file: File, digest: str) -> None:
    if digest != file.sha256:
        raise RunError("damaged_backup", f"{folder / file.path} is not the file of which the manifest has the digest")
