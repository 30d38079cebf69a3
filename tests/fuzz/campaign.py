"""A campaign against one decoder, in a process of its own: `python -m tests.fuzz.campaign NAME FIRST COUNT`.

Case number n is the same in every run, whichever cases came before, so a failure is looked at again by its number
alone: `python -m tests.fuzz.campaign intents 4711 1`. Hypothesis, which the properties in `tests/property` use, keeps
what it has tried; at 10^8 cases a night nothing can be kept.

The process is a child's, so that a decoder written in C may crash, and so that memory is bounded and its peak known.
"""

import importlib
import json
import mmap
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NoReturn

from tests.fuzz.decoder import Decoder, code_of

ROOT = Path(__file__).resolve().parents[2]
SLOWEST_S = 60
"""No input of the sizes made here may keep a reader busy that long."""

_HEADROOM = 2 << 30
"""Address space beyond what the child has when it begins: far above any bound, far below this machine's memory."""

_WARMING = range(1 << 60, (1 << 60) + 50)
"""Cases that belong to no campaign."""
_SHOWN = 2_000
_NUMBER = struct.Struct("<q")


@dataclass(frozen=True)
class Outcome:
    """What came of a campaign: how many cases passed, how many were refused by code, memory beyond the start's."""

    cases: int
    accepted: int
    refused: dict[str, int]
    peak_mib: float


class FuzzError(AssertionError):
    """A case that did not end in one of the declared ways."""


def run(name: str, count: int, *, first: int = 0) -> Outcome:
    """Return what came of cases `first` to `first + count` of the decoder `name`.

    Raises:
        FuzzError: one ended in an error that is not declared, or ended the process.
    """
    with tempfile.NamedTemporaryFile() as progress:
        progress.write(bytes(_NUMBER.size))
        progress.flush()
        command = [sys.executable, "-m", "tests.fuzz.campaign", name, str(first), str(count), progress.name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        (at,) = _NUMBER.unpack(Path(progress.name).read_bytes())
    if done.returncode:
        said = f"{done.stdout[-8_000:]}{done.stderr[-8_000:]}"
        raise FuzzError(f"case {at} of {name} ended with status {done.returncode}\n{said}")
    return Outcome(**json.loads(done.stdout))


def main() -> int:
    """Run a part of a campaign and print what came of it; status 1 when a case ended otherwise than it may."""
    name, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    decoder: Decoder = importlib.import_module(f"tests.fuzz.decoders.{name}").decoder()
    signal.signal(signal.SIGALRM, _too_slow)
    with _progress(sys.argv[4] if len(sys.argv) > 4 else "") as noted:
        try:
            # Before it counts: caches, tables and libraries that load when they are first used.
            _attempt_all(decoder, _WARMING, noted)
            start = peak_bytes()
            _limit_memory()
            outcomes = _attempt_all(decoder, range(first, first + count), noted)
        except BaseException:
            (number,) = _NUMBER.unpack(noted[:])
            print(f"case {number}: {decoder.make(Random(number))!r}"[:_SHOWN], traceback.format_exc(), sep="\n")
            return 1
    accepted = outcomes.pop("", 0)
    peak_mib = (peak_bytes() - start) / (1 << 20)
    print(json.dumps({"cases": count, "accepted": accepted, "refused": dict(outcomes), "peak_mib": peak_mib}))
    return 0


def _attempt_all(decoder: Decoder, numbers: range, noted: "mmap.mmap | bytearray") -> Counter[str]:
    """Return how often each outcome was met: the code of a refusal, "" where there was none."""
    outcomes = Counter[str]()
    for number in numbers:
        noted[:] = _NUMBER.pack(number)
        signal.setitimer(signal.ITIMER_REAL, SLOWEST_S)
        outcomes[_attempt(decoder, number)] += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    return outcomes


def _attempt(decoder: Decoder, number: int) -> str:
    """Return why case `number` was refused, "" if it was not."""
    case = decoder.make(Random(number))
    try:
        decoder.read(case)
    except decoder.declared as error:
        return code_of(error)
    return ""


def _too_slow(*_: object) -> NoReturn:
    raise TimeoutError(f"a case takes more than {SLOWEST_S} s")


def _limit_memory() -> None:
    used = _status("VmSize")
    resource.setrlimit(resource.RLIMIT_AS, (used + _HEADROOM, resource.RLIM_INFINITY))


def peak_bytes() -> int:
    """Return the most memory that this process has had, in bytes."""
    return _status("VmHWM")


def _status(name: str) -> int:
    """Return a figure of this process, in bytes (proc(5))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"the kernel tells no {name}")


@contextmanager
def _progress(path: str) -> Iterator[mmap.mmap | bytearray]:
    """Give eight bytes that the parent can read even after a crash."""
    if not path:
        yield bytearray(_NUMBER.size)
        return
    with Path(path).open("r+b") as file, mmap.mmap(file.fileno(), _NUMBER.size) as noted:
        yield noted


if __name__ == "__main__":
    sys.exit(main())
