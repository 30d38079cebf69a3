"""A backup in the making: it takes its name only when it is complete."""

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from countermark.network.identities.files import make_directory, sync_directory, write_file
from countermark.network.native.errors import RunError
from countermark.network.operations.backups.files import write
from countermark.network.operations.backups.manifest import DATABASE, FILE, File, Manifest, Peer, PlatformDatabase


class Draft:
    """What has been copied so far into the folder `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._peers: list[Peer] = []
        self._files: list[File] = []
        self._database: PlatformDatabase | None = None

    def add_peer(self, peer: Peer, files: Iterable[File]) -> None:
        """Note that `files` are the ledger of `peer`."""
        self._peers.append(peer)
        self._files += files

    def add_database(self, entry: PlatformDatabase, dump: BinaryIO) -> None:
        """Write down `dump`, which is read to its end, as the platform's database.

        Raises:
            OSError: There is no room.
        """
        size, digest = write(dump, self.path / DATABASE)
        self._database = entry
        self._files.append(File(DATABASE, size, digest))

    def finish(self, network: str) -> Manifest:
        """Write the manifest of a backup of `network`, and return it."""
        now_ms = time.time_ns() // 1_000_000
        manifest = Manifest(network, now_ms, tuple(self._peers), self._database, tuple(self._files))
        write_file(self.path / FILE, manifest.dumps(), mode=0o600)
        return manifest


@contextmanager
def drafted(out: Path) -> Iterator[Draft]:
    """Give a draft that becomes the folder `out` when the block ends well; else nothing is left of it.

    Raises:
        RunError: `out` is there already.
    """
    if out.exists():
        raise RunError("backup_exists", f"{out} is there already; each backup has a folder of its own")
    make_directory(out.parent)
    # For its owner only: private values stand in ledgers and databases.
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield Draft(folder)
        folder.rename(out)
    except BaseException:
        shutil.rmtree(folder)
        raise
    sync_directory(out.parent)
