"""A disk that is full, for one process and not for its neighbours."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

THIS = 0


@contextmanager
def full_beyond(size: int, *pids: int) -> Iterator[None]:
    """Let the running processes `pids`, this one if none is named, make no file longer than `size` bytes.

    The system then refuses to write, as it does on a full disk, with another number for the reason.
    """
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids or (THIS,)}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
