"""Where PostgreSQL's own folder and its socket lie, for a data folder that may suit neither.

The folder is `postgres/` in the data folder, unless the account that runs PostgreSQL cannot get there (below a home
of mode 0700, say). Then it lies under a system folder, and a pointer file in the data folder names it for the next
start. The socket lies in the folder too, unless its path would pass the limit of the operating system.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from countermark.platform.store.postgres.account import Account, unprivileged
from countermark.protocol.errors import ErrorCode, MarketError

POINTER = "postgres.location"
"""Name of the pointer file: line 1 PostgreSQL's folder, line 2 the socket's."""

SYSTEM_FOLDERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108  # mkdtemp makes the name, mode 0700
"""Where a folder goes that has to leave the data folder; kept over a restart of the machine."""

_SOCKET = ".s.PGSQL.5432"
_SOCKET_LIMIT = 107  # bytes: sun_path holds 108 with its final zero


@dataclass(frozen=True, slots=True)
class Location:
    """Folders of one server, made and owned as it needs them."""

    folder: Path
    socket_folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self.folder / "postgres.log"


def locate(data_folder: Path, *, system_folders: Sequence[Path] = SYSTEM_FOLDERS) -> Location:
    """Return where the server of `data_folder` lives; the same at every start. Makes the folders.

    Raises:
        MarketError: DATABASE_UNAVAILABLE when no folder suits, or the one used before is gone.
    """
    data_folder = data_folder.resolve()
    data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pointer = data_folder / POINTER
    named = pointer.read_text().splitlines() if pointer.exists() else []
    if named:
        folder, socket_folder = Path(named[0]), Path(named[1])
        if not folder.is_dir():
            # An empty database in its place would look like a lost market.
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, f"{pointer} names {folder}, which is gone")
        account = unprivileged(folder)
    else:
        folder, account = _choose(data_folder, system_folders)
        socket_folder = folder
        if len(os.fsencode(folder / _SOCKET)) > _SOCKET_LIMIT:
            socket_folder = Path(tempfile.mkdtemp(prefix="countermark-"))
        temporary = pointer.with_suffix(".new")
        temporary.write_text(f"{folder}\n{socket_folder}\n")
        temporary.rename(pointer)
    _own(folder, account)
    _own(socket_folder, account)
    return Location(folder, socket_folder, account)


def folders(data_folder: Path) -> tuple[Path, ...]:
    """Return the folders that `locate` has made for `data_folder`, of its server and of the socket; none before."""
    pointer = data_folder.resolve() / POINTER
    return tuple(dict.fromkeys(Path(line) for line in pointer.read_text().splitlines())) if pointer.exists() else ()


def discard(data_folder: Path) -> None:
    """Remove the stopped database of `data_folder` for ever, wherever it lies."""
    for folder in folders(data_folder):
        shutil.rmtree(folder, ignore_errors=True)
    (data_folder / POINTER).unlink(missing_ok=True)


def _choose(data_folder: Path, system_folders: Sequence[Path]) -> tuple[Path, Account | None]:
    folder = data_folder / "postgres"
    account = unprivileged(folder)
    if account is None or account.can_traverse(data_folder):
        return folder, account
    for parent in system_folders:
        if parent.is_dir() and os.access(parent, os.W_OK) and account.can_traverse(parent):
            return Path(tempfile.mkdtemp(prefix="countermark-postgres-", dir=parent)), account
    raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "no folder that PostgreSQL's account can traverse")


def _own(folder: Path, account: Account | None) -> None:
    """Make `folder` if need be, private to who runs the server.

    Raises:
        MarketError: DATABASE_UNAVAILABLE when it is somebody else's: he could read or swap what lies in it.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    # Never through a link: in a folder that all may write to, it would make us give away what it points to.
    status = folder.lstat()
    if account is not None and stat.S_ISDIR(status.st_mode) and status.st_uid == 0:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != (account.uid if account else os.geteuid()):
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, f"{folder} belongs to another user")
    folder.chmod(0o700)
