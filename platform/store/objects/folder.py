"""An object store in a local folder: one file for each object, `.part` while it grows (see `ports.ObjectStore`)."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from countermark.platform.store.objects import names
from countermark.protocol.errors import ErrorCode, MarketError

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
            # Sealed between two looks, it is found by the last; the look in the middle sees what still grows.
            for candidate in (path, _part(path), path):
                with suppress(FileNotFoundError):
                    return candidate.stat().st_size
        return 0

    def append(self, name: str, offset: int, data: Iterable[bytes]) -> int:
        """Write `data` from `offset` on and return the new size; what stood behind `offset` is replaced.

        Raises:
            MarketError: UPLOAD_OFFSET when fewer than `offset` bytes are held, WRONG_STATE when it is sealed,
                STORE_UNAVAILABLE (a full disk, say); what was written until then is kept.
        """
        with _growing(self._path(name)) as file:
            with _translated():
                held = os.fstat(file.fileno()).st_size
                if not 0 <= offset <= held:
                    raise MarketError(ErrorCode.UPLOAD_OFFSET, f"{held} bytes are held")
                file.seek(offset)
                file.truncate()
            for piece in data:  # its own failures are the caller's and pass through
                with _translated():
                    _write(file, piece)
            with _translated():
                os.fsync(file.fileno())
                return file.tell()

    def seal(self, name: str, size: int) -> None:
        """Make the object of `size` bytes final and durable; to seal it again does nothing.

        Raises:
            MarketError: NOT_FOUND when nothing was uploaded, UPLOAD_OFFSET when it has another size by now,
                STORE_UNAVAILABLE.
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
                if _is(file, _part(path)):
                    held = os.fstat(file.fileno()).st_size
                    if held != size:
                        raise MarketError(ErrorCode.UPLOAD_OFFSET, f"{held} bytes are held")
                    os.fsync(file.fileno())
                    with _deleted_meanwhile():
                        _part(path).rename(path)
                elif not path.exists():
                    raise _gone()
            with _deleted_meanwhile():
                _sync(path.parent)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes `start` up to `stop` (exclusive; default the end) of a sealed object, in pieces.

        Raises:
            MarketError: NOT_FOUND when it is not there or not sealed, STORE_UNAVAILABLE; at once, not at the first
                piece.
        """
        return _pieces(self._path(name), start, stop)

    def probe(self) -> None:
        """Return if the folder is there and can be written.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        if not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
            raise MarketError(ErrorCode.STORE_UNAVAILABLE, "the folder of the object store cannot be written")

    def delete(self, name: str) -> None:
        """Remove the object; one that is not there is no error.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        path = self._path(name)
        with _translated():
            for candidate in (path, _part(path)):
                # A folder is no object: other names begin with this one.
                with suppress(FileNotFoundError, IsADirectoryError):
                    candidate.unlink()

    def clear(self, prefix: str) -> None:
        """Remove every object whose name begins with `prefix` and a slash; that there is none is no error.

        What somebody writes there meanwhile may stay.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        folder = self._path(f"{prefix}/x").parent
        with _translated():
            shutil.rmtree(folder, onerror=_unless_changed)

    def _path(self, name: str) -> Path:
        if not self._folder.is_dir():
            # A disk that is not mounted: what lies there is neither gone nor to be written anew in its place.
            raise MarketError(ErrorCode.STORE_UNAVAILABLE, "the folder of the object store is not there")
        return self._folder / names.checked(name)


def _part(path: Path) -> Path:
    return path.with_name(path.name + _PART)


@contextmanager
def _growing(path: Path) -> Iterator[FileIO]:
    """Give the part of the object at `path` to one writer at a time, made where there is none.

    Raises:
        MarketError: WRONG_STATE when the object is sealed, STORE_UNAVAILABLE.
    """
    while True:
        with _translated():
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(_part(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except (FileExistsError, FileNotFoundError):
                if path.parent.is_file():
                    raise
                continue  # the folder was cleared meanwhile
        # Without a buffer: what a full disk has refused would be tried, and fail, once more when the file is closed.
        with FileIO(descriptor, "r+") as file:
            with _translated():
                fcntl.flock(file, fcntl.LOCK_EX)
                # While we waited for the lock, its holder may have sealed or deleted the file that we had opened.
                if path.exists():
                    _part(path).unlink(missing_ok=True)  # made empty beside the sealed object
                    raise MarketError(ErrorCode.WRONG_STATE, "the object is complete and cannot be changed")
                ours = _is(file, _part(path))
            if ours:
                yield file
                return


def _write(file: FileIO, piece: bytes) -> None:
    """Write all of `piece`, of which the disk may take a part at a time."""
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def _is(file: FileIO | BinaryIO, path: Path) -> bool:
    """Return whether the open `file` is what `path` names now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


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


def _gone() -> MarketError:
    return MarketError(ErrorCode.NOT_FOUND, "the object was deleted meanwhile")


@contextmanager
def _deleted_meanwhile() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise _gone() from None


def _unless_changed(_act: object, _path: str, caught: tuple[type[BaseException], BaseException, object]) -> None:
    """Go on with the rest of a folder when somebody else removed a part of it, or wrote a new one, first.

    What is no folder but an object has nothing below it.
    """
    tolerated = (errno.ENOENT, errno.ENOTEMPTY, errno.ENOTDIR)
    if not isinstance(caught[1], OSError) or caught[1].errno not in tolerated:
        raise caught[1]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MarketError(ErrorCode.STORE_UNAVAILABLE, error.strerror or "the object store failed") from error
