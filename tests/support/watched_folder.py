"""What happens to the files of a folder, told by the kernel (inotify): nothing is missed between two looks."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_EVENT = struct.Struct("iIII")

_NAMES = {0x2: "modified", 0x8: "closed", 0x40: "moved away", 0x80: "moved here", 0x100: "created", 0x200: "deleted"}
"""Events of inotify(7): the ones that tell who writes what under which name."""


class WatchedFolder:
    """The events of one folder since it is watched."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen: list[tuple[str, str]] = []

    def events(self) -> list[tuple[str, str]]:
        """All events up to now, as (file's name, what happened), in order."""
        while True:
            try:
                data = os.read(self._descriptor, 1 << 20)
            except BlockingIOError:
                return list(self._seen)
            while data:
                _, mask, _, length = _EVENT.unpack_from(data)
                assert not mask & 0x4000, "more happened than the kernel keeps"
                name = os.fsdecode(data[_EVENT.size : _EVENT.size + length].rstrip(b"\0"))
                self._seen += [(name, what) for bit, what in _NAMES.items() if mask & bit]
                data = data[_EVENT.size + length :]

    def of(self, name: str) -> list[str]:
        """What happened to the file called `name`."""
        return [what for file, what in self.events() if file == name]


@contextmanager
def watched(folder: Path) -> Iterator[WatchedFolder]:
    """Watch `folder` from now on."""
    descriptor = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0 or _LIBC.inotify_add_watch(descriptor, os.fsencode(folder), sum(_NAMES)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    try:
        yield WatchedFolder(descriptor)
    finally:
        os.close(descriptor)
