"""Byte streams between the object store, which yields pieces, and readers and writers of files."""

import io
from collections.abc import Iterable, Iterator

from countermark.protocol.errors import ErrorCode, MarketError


class _Pieces(io.RawIOBase):
    """A raw stream over an iterator of pieces; holds one piece at a time."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # typeshed says Buffer only from 3.12 on
        while not self._rest:
            try:
                self._rest = memoryview(next(self._pieces))
            except StopIteration:
                return 0
        taken = self._rest[: len(target)]
        target[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def reader(pieces: Iterator[bytes]) -> io.BufferedReader:
    """Return a file-like reader of what ``pieces`` yields; memory is constant."""
    return io.BufferedReader(_Pieces(pieces))


def capped(data: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Yield the pieces of ``data``, of which there may be ``most`` bytes.

    Raises:
        MarketError: TOO_LARGE, before the piece that goes beyond is yielded.
    """
    for piece in data:
        most -= len(piece)
        if most < 0:
            raise MarketError(ErrorCode.TOO_LARGE, "the upload is longer than it said")
        yield piece


def exactly(data: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the pieces of ``data``, which must have ``size`` bytes.

    Whoever has announced their number must break off when some are missing: his reader waits for them otherwise.

    Raises:
        MarketError: NOT_FOUND, after the last piece, when bytes are missing.
    """
    for piece in data:
        size -= len(piece)
        yield piece
    if size > 0:
        raise MarketError(ErrorCode.NOT_FOUND, "the object is not whole any more")
