"""Arming failpoints by files, and acting on them; the files are the protocol between a test and the processes."""

import errno
import os
import signal
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from countermark.faults.points import Point

DIRECTORY = "COUNTERMARK_FAILPOINTS"
"""Environment variable: the folder in which points are armed."""

_REACHED = "reached"


class Action(StrEnum):
    """What a process does at an armed point."""

    KILL = "kill"
    """It ends at once, as by SIGKILL: nothing is flushed, nobody is told."""
    FAIL = "fail"
    """`InjectedFault` is raised there."""
    HOLD = "hold"
    """It waits until somebody has opened the FIFO `<point>.hold` for writing and closed it again."""


class InjectedFault(OSError):  # noqa: N818 - the term of the field
    """An input or output error (EIO) that a test asked for."""

    def __init__(self, point: Point) -> None:
        super().__init__(errno.EIO, f"failpoint {point}")


def reach(point: Point, environment: Mapping[str, str] = os.environ) -> None:
    """Act as a test has armed `point`; without one, do nothing.

    Raises:
        InjectedFault: The point is armed with `Action.FAIL`.
    """
    if not (named := environment.get(DIRECTORY)):
        return
    folder = Path(named)
    taken = folder / f"{point}.{os.getpid()}"
    try:
        # Whoever renames it is the one that acts: an armed point works once, in one process and thread.
        (folder / point).rename(taken)
    except FileNotFoundError:
        return
    action = Action(taken.read_text())
    with (folder / _REACHED).open("a") as report:
        report.write(f"{point} {os.getpid()}\n")
    if action is Action.KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    if action is Action.FAIL:
        raise InjectedFault(point)
    (folder / f"{point}.hold").read_bytes()


def arm(folder: Path, point: Point, action: Action) -> None:
    """Let the next process that reaches `point` act, once."""
    if action is Action.HOLD and not (fifo := folder / f"{point}.hold").exists():
        os.mkfifo(fifo, 0o600)
    being_written = folder / f"{point}.new"
    being_written.write_text(action)
    being_written.rename(folder / point)


def armed(folder: Path) -> list[Point]:
    """Return the points that are armed and that nobody has reached."""
    return [point for point in Point if (folder / point).exists()]


def reached(folder: Path) -> Counter[Point]:
    """Return how often each armed point was reached since the folder was made."""
    return Counter(point for point, _pid in visits(folder))


def visits(folder: Path) -> list[tuple[Point, int]]:
    """Return which armed points were reached since the folder was made, in order, and the processes that did."""
    report = folder / _REACHED
    lines = [line.split() for line in report.read_text().splitlines()] if report.exists() else []
    return [(Point(point), int(pid)) for point, pid in lines]
