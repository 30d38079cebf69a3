"""What work takes: wall time, processor time of this process and those that it waited for, memory at most."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Usage:
    """Seconds, and bytes at most of this process and of the largest of its children."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    own_bytes: int = 0
    child_bytes: int = 0

    def __str__(self) -> str:
        memory = f"{self.own_bytes / 1e6:.0f} MB, the largest child {self.child_bytes / 1e6:.0f} MB"
        return f"{self.wall_s:.1f} s, {self.cpu_s:.1f} s of processor time; {memory}"


@contextmanager
def used() -> Iterator[Usage]:
    """Give what the block takes, once it has ended."""
    usage = Usage()
    wall, cpu = time.perf_counter(), _cpu_s()
    yield usage
    usage.wall_s, usage.cpu_s = time.perf_counter() - wall, _cpu_s() - cpu
    usage.own_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    usage.child_bytes = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def _cpu_s() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)
