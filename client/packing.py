"""A collection as one file, as which it travels: an archive without times, owners and compression."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from countermark import fingerprint
from countermark.client.data import Data, failed
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import replacing
from countermark.fingerprint.collection.entries import Reader
from countermark.protocol.errors import ErrorCode
from countermark.protocol.manifests import File

_PIECE: Final = 1 << 20
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_PRIVATE_FILE: Final = 0o100600 << 16
_UNIX: Final = 3


@contextmanager
def packed(data: Data, path: Path) -> Iterator[Path]:
    """Give the file of ``data`` that is to be sent: a collection's is made as ``path``, and removed with the block.

    Raises:
        ClientError: a file cannot be read, or is another than was examined.
    """
    if not data.files:
        yield data.path
        return
    try:
        with (
            replacing(path) as out,
            zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive,
            Reader(data.path) as reader,
        ):
            for file in data.files:
                _add(archive, reader, file)
        yield path
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{error.filename or data.path} cannot be read: {error.strerror}") from error
    except fingerprint.FingerprintError as error:
        raise failed(data.path.name, error) from error
    finally:
        path.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, reader: Reader, file: File) -> None:
    entry = zipfile.ZipInfo(file.name, _NO_TIME)
    entry.create_system, entry.external_attr, entry.file_size = _UNIX, _PRIVATE_FILE, file.size
    hashed = sha256()
    with reader.open(file.name) as source, archive.open(entry, "w") as target:
        while piece := source.read(_PIECE):
            hashed.update(piece)
            target.write(piece)
    # What is sent must be what was committed to, or the seller loses the dispute.
    if hashed.digest() != file.digest:
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{file.name} changes while it is read")
