"""Small disks: file systems in memory that are full after so many bytes, until they are given more room."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@dataclass(frozen=True)
class Disk:
    """A mounted disk."""

    path: Path

    @property
    def free(self) -> int:
        """Bytes that may still be written."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_bsize

    def fill(self) -> None:
        """Leave no room."""
        with (self.path / "ballast").open("ab", buffering=0) as ballast:
            while self.free:
                ballast.write(bytes(min(self.free, 1 << 20)))

    def make_room(self, size: int) -> None:
        """Let the disk have `size` bytes in all."""
        self._mount("-o", f"remount,size={size}")

    def set_read_only(self, *, read_only: bool) -> None:
        """Let nobody write to it, or everybody again."""
        self._mount("-o", f"remount,{'ro' if read_only else 'rw'}")

    def _mount(self, *options: str) -> None:
        subprocess.run(["mount", *options, self.path], check=True)  # noqa: S607


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[Disk]:
    """Mount a disk of `size` bytes at `path`, which is made."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)  # noqa: S607
    try:
        yield Disk(path)
    finally:
        # Lazily: a process that is just ending may still have a file open there.
        subprocess.run(["umount", "--lazy", path], check=True)  # noqa: S607
