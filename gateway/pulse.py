"""The worker's pulse: a file that it writes again and again while all of its loops go round.

A worker listens nowhere, and a process that is there may yet hang. `python -m countermark.gateway.pulse FILE` says
for containers whether the pulse is fresh: status 0 if it is, else 1 and a line.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Whoever only looks, every few seconds, need not load what loops need.
    from countermark.gateway.loops import Loop

ENVIRONMENT = "COUNTERMARK_WORKER_PULSE"

EVERY_S = 5.0
"""How often it is written, in seconds."""

FRESH_S = 30.0
"""How old it may be, in seconds: the machine may be busy."""

STUCK_S = 300.0
"""How long one step of a loop may take, in seconds: far longer than any does that still gets on."""


class Pulse:
    """Writes the pulse of `loops` into `file`; `clock` is the machine's monotonic one, which processes share."""

    def __init__(self, file: Path, loops: "Sequence[Loop]", *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._loops = loops
        self._clock = clock

    def beat(self) -> list[str]:
        """Write the present moment unless loops are stuck, and return the names of these."""
        stuck = [loop.name for loop in self._loops if loop.stuck(STUCK_S)]
        if not stuck:
            fresh = self._file.with_name(f"{self._file.name}.new")
            fresh.write_text(str(self._clock()))
            fresh.replace(self._file)
        return stuck


def age_s(file: Path, *, now: float) -> float | None:
    """Return how old the pulse in `file` is at `now`, in seconds; None where there is none."""
    try:
        return now - float(file.read_text())
    except (OSError, ValueError):
        return None


def main(argv: Sequence[str] | None = None) -> int:
    """Look once and return the exit status."""
    parser = argparse.ArgumentParser(prog="countermark.gateway.pulse", description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=os.environ.get(ENVIRONMENT), help="the pulse's file")
    arguments = parser.parse_args(argv)
    if arguments.file is None:
        parser.error(f"a file or {ENVIRONMENT} is needed")
    age = age_s(Path(arguments.file), now=time.monotonic())
    if age is None or age > FRESH_S:
        sys.stderr.write("no pulse\n" if age is None else f"the last pulse was {age:.0f} s ago\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
