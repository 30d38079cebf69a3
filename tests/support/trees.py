"""What a folder holds, to be compared with what it held before."""

import os
import stat
from pathlib import Path


def tree(folder: Path) -> dict[str, tuple[str, int, int, bytes]]:
    """Kind, mode, time of change and contents of everything below `folder`, by path; empty if there is none."""
    return {str(path.relative_to(folder)): _entry(path) for path in sorted(folder.rglob("*"))}


def _entry(path: Path) -> tuple[str, int, int, bytes]:
    status = path.lstat()
    if path.is_symlink():
        return "link", 0, 0, os.fsencode(path.readlink())
    if path.is_dir():
        # Its time changes with a temporary file that is gone again.
        return "folder", stat.S_IMODE(status.st_mode), 0, b""
    return "file", stat.S_IMODE(status.st_mode), status.st_mtime_ns, path.read_bytes()
