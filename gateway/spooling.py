"""Pieces of uploads wait in files without a name until what was signed about them has been compared."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from countermark.protocol.errors import ErrorCode, MarketError


@contextmanager
def spooled(folder: Path, pieces: Iterable[bytes], size: int) -> Iterator[BinaryIO]:
    """Give a file at its start, on the disk of ``folder``, that holds ``pieces``; they must have ``size`` bytes.

    Raises:
        MarketError: MALFORMED_REQUEST, as soon as there are more; STORE_UNAVAILABLE, the disk is full.
    """
    with ExitStack() as stack:
        with _translated():
            # Without a buffer: what a full disk refused would be tried, and fail, once more when the file is closed.
            spool = stack.enter_context(tempfile.TemporaryFile(dir=folder, buffering=0))
        for piece in pieces:  # its own failures are the connection's and pass through
            size -= len(piece)
            if size < 0:
                break
            _write(spool, piece)
        if size:
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "Content-Range and body differ in length")
        os.lseek(spool.fileno(), 0, os.SEEK_SET)
        yield spool


def _write(file: BinaryIO, piece: bytes) -> None:
    rest = memoryview(piece)
    with _translated():
        while rest:
            rest = rest[file.write(rest) :]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MarketError(ErrorCode.STORE_UNAVAILABLE, error.strerror or "the spool failed") from error
