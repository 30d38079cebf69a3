"""A table of files: the table and the files that a column of it names, gathered into one collection."""

import posixpath
import stat
from collections.abc import Sequence
from pathlib import Path

from countermark.client.data import reading
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import replacing
from countermark.client.packing import archive_in, store
from countermark.fingerprint.collection.entries import MOST_FILES, Reader, check_names
from countermark.fingerprint.table.texts import texts_in

__all__ = ["gather", "names_in"]


def gather(table: Path, column: str, archive: Path) -> Sequence[str]:
    """Make the zip ``archive`` of ``table`` and the files that its ``column`` names, and return the names in there.

    The same files make the same archive.

    Raises:
        ClientError: as `names_in`, or there is an ``archive`` already, or a file is missing, a link, or outside of
            the table's folder.
    """
    folder, names = table.parent, names_in(table, column)
    sizes = [_size(folder, name) for name in names]
    try:
        with replacing(archive, clobber=False) as out, archive_in(out) as made, Reader(folder) as reader:
            for name, size in zip(names, sizes, strict=True):
                with reader.open(name) as source:
                    store(made, name, size, source)
    except FileExistsError as error:
        raise ClientError(REFUSED_HERE, f"{archive} exists already") from error
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{error.filename or archive}: {error.strerror}") from error
    return names


def names_in(table: Path, column: str) -> Sequence[str]:
    """Return the names that the files of ``table`` have in a collection, its own among them: paths from its folder.

    Each is there once, as a manifest orders them.

    Raises:
        ClientError: it has no such column, or a name there leads out of the folder or is none that is taken.
    """
    with reading(table) as file:
        found = {table.name}
        for name in filter(None, map(str.strip, texts_in(file, column))):
            found.add(posixpath.normpath(name))
            if len(found) > MOST_FILES:
                break
        check_names(list(found))
        return sorted(found, key=str.encode)


def _size(folder: Path, name: str) -> int:
    path = folder / name
    try:
        status = path.stat(follow_symlinks=False)
        inside = path.resolve().is_relative_to(folder.resolve())
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode) or not inside:
        raise ClientError(REFUSED_HERE, f"{path} is a link or no file")
    return status.st_size
