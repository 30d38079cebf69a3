"""A collection as one file, as which it travels: an archive without times, owners and compression."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from countermark import fingerprint
from countermark.client.data import Data, failed
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import replacing
from countermark.fingerprint.collection.entries import Reader
from countermark.protocol.errors import ErrorCode

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
        with replacing(path) as out, archive_in(out) as archive, Reader(data.path) as reader:
            for file in data.files:
                with reader.open(file.name) as source:
                    stored = store(archive, file.name, file.size, source)
                # What is sent must be what was committed to, or the seller loses the dispute.
                if stored != file.digest:
                    raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{file.name} changes while it is read")
        yield path
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{error.filename or data.path} cannot be read: {error.strerror}") from error
    except fingerprint.FingerprintError as error:
        raise failed(data.path.name, error) from error
    finally:
        path.unlink(missing_ok=True)


def archive_in(out: BinaryIO) -> zipfile.ZipFile:
    """Return a new archive that is written to ``out``."""
    return zipfile.ZipFile(out, "w", zipfile.ZIP_STORED)


def store(archive: zipfile.ZipFile, name: str, size: int, source: BinaryIO) -> bytes:
    """Put what ``source`` yields, about ``size`` bytes, into ``archive`` as the file ``name``; return its SHA-256."""
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.create_system, entry.external_attr, entry.file_size = _UNIX, _PRIVATE_FILE, size
    hashed = sha256()
    with archive.open(entry, "w") as target:
        while piece := source.read(_PIECE):
            hashed.update(piece)
            target.write(piece)
    return hashed.digest()
