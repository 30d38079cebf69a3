"""An object store in a local folder: one file for each object, `.part` while it grows (see `ports.ObjectStore`)."""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from countermark.protocol.errors import ErrorCode, MarketError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_.:-]*)+", re.ASCII)
_PART = ".part"
_PIECE = 1 << 20


class FolderStore:
    """Objects below `folder`, which nobody but this user may enter."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _translated():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def size(self, name: str) -> int:
        """Return how many bytes are held under `name`, sealed or not; 0 when there are none."""
        path = self._path(name)
        with _translated():
            for candidate in (path, _part(path)):
                if candidate.exists():
                    return candidate.stat().st_size
        return 0

    def append(self, name: str, offset: int, data: Iterable[bytes]) -> int:
        """Write `data` from `offset` on and return the new size; what stood behind `offset` is replaced.

        Raises:
            MarketError: UPLOAD_OFFSET when fewer than `offset` bytes are held, WRONG_STATE when it is sealed,
                STORE_UNAVAILABLE (a full disk, say); what was written until then is kept.
        """
        path = self._path(name)
        with _translated():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(_part(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            with _translated():
                fcntl.flock(file, fcntl.LOCK_EX)
                # While we waited for the lock, its holder may have sealed the file that we had opened.
                if path.exists() or not _part(path).exists():
                    self._forget_empty(path)
                    raise MarketError(ErrorCode.WRONG_STATE, "the object is complete and cannot be changed")
                held = os.fstat(file.fileno()).st_size
                if not 0 <= offset <= held:
                    raise MarketError(ErrorCode.UPLOAD_OFFSET, f"{held} bytes are held")
                file.seek(offset)
                file.truncate()
            for piece in data:  # its own failures are the caller's and pass through
                with _translated():
                    file.write(piece)
            with _translated():
                file.flush()
                os.fsync(file.fileno())
                return file.tell()

    def seal(self, name: str) -> None:
        """Make the object final and durable; to seal it again does nothing.

        Raises:
            MarketError: NOT_FOUND when nothing was uploaded, STORE_UNAVAILABLE.
        """
        path = self._path(name)
        with _translated():
            if path.exists():
                return
            try:
                file = _part(path).open("r+b")
            except FileNotFoundError:
                raise MarketError(ErrorCode.NOT_FOUND, "there is no such object") from None
            with file:
                fcntl.flock(file, fcntl.LOCK_EX)
                os.fsync(file.fileno())
                if _part(path).exists():
                    _part(path).rename(path)
            _sync(path.parent)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes `start` up to `stop` (exclusive; default the end) of a sealed object, in pieces.

        Raises:
            MarketError: NOT_FOUND when it is not there or not sealed, STORE_UNAVAILABLE; at once, not at the first
                piece.
        """
        return _pieces(self._path(name), start, stop)

    def read_unsealed(self, name: str) -> Iterator[bytes]:
        """Yield the bytes uploaded so far, sealed or not.

        Raises:
            MarketError: NOT_FOUND when nothing was uploaded, STORE_UNAVAILABLE.
        """
        path = self._path(name)
        return _pieces(path if path.exists() else _part(path), 0, None)

    def delete(self, name: str) -> None:
        """Remove the object; one that is not there is no error.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        path = self._path(name)
        with _translated():
            for candidate in (path, _part(path)):
                candidate.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        # Names come from ids that were parsed before; this keeps a mistake from leaving the folder.
        if not _NAME.fullmatch(name) or name.endswith(_PART):
            raise MarketError(ErrorCode.NOT_FOUND, "no object has such a name")
        return self._folder / name

    def _forget_empty(self, path: Path) -> None:
        """Remove the empty part that opening for writing made beside a sealed object."""
        if path.exists():
            _part(path).unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(path.name + _PART)


def _pieces(path: Path, start: int, stop: int | None) -> Iterator[bytes]:
    with _translated():
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise MarketError(ErrorCode.NOT_FOUND, "there is no such object") from None

    def pieces() -> Iterator[bytes]:
        left = None if stop is None else max(stop - start, 0)
        with file:
            file.seek(start)
            while piece := file.read(_PIECE if left is None else min(_PIECE, left)):
                yield piece
                left = None if left is None else left - len(piece)

    return pieces()


def _sync(folder: Path) -> None:
    """Make a rename in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MarketError(ErrorCode.STORE_UNAVAILABLE, error.strerror or "the object store failed") from error
