"""Small disks: file systems in memory that are full after so many bytes, until they are given more room."""

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def _may_mount() -> bool:
    """Return whether this process may mount a disk: root may not in every container."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if _run("mount", "-t", "tmpfs", "tmpfs", folder) != 0:
            return False
        _check("umount", folder)
    return True


def _run(*command: str | Path) -> int:
    """Run a program of the system, wherever it lies, and return its exit status."""
    return subprocess.run(command, capture_output=True, check=False).returncode


def _check(*command: str | Path) -> None:
    assert _run(*command) == 0, command


needs_mount = pytest.mark.skipif(not _may_mount(), reason="only root can mount a small disk")


@contextmanager
def no_file_grows(largest: int) -> Iterator[None]:
    """Let this process write no file beyond `largest` bytes: what an ordinary user has for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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
        _check("mount", *options, self.path)


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[Disk]:
    """Mount a disk of `size` bytes at `path`, which is made."""
    path.mkdir()
    _check("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)
    try:
        yield Disk(path)
    finally:
        # Lazily: a process that is just ending may still have a file open there.
        _check("umount", "--lazy", path)
