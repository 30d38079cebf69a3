"""Processes that go on when the command that started them has ended, known again by pid and time of start.

A pid alone may be another process's by now; with the moment at which the kernel started it, it is not. A process
becomes the program only when its record is on disk: whoever is ended in between leaves none that nobody knows of.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from countermark.network.identities.files import PRIVATE, make_directory, write_file
from countermark.network.native.errors import RunError

_POLL_S = 0.02
_TAIL = 2_000
_GATE = """\
import os, sys
if os.read(0, 1):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.execv(sys.argv[1], sys.argv[1:])
"""
"""Waits for a byte, of which there is none if the parent has ended, and becomes the program."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process in the background: `name` names its record and its log."""

    name: str
    run: Path
    logs: Path

    @property
    def log(self) -> Path:
        """Its standard output and error."""
        return self.logs / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return self.run / f"{self.name}.json"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs, else None."""
        try:
            record = json.loads(self._record.read_bytes())
            pid, started = int(record["pid"]), str(record["started"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # never started, or the machine went down while it was written
        return pid if _started(pid) == started else None

    @property
    def command(self) -> list[str]:
        """The command that started it last; empty if none did."""
        try:
            return [str(one) for one in json.loads(self._record.read_bytes())["command"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `command` unless it runs; `environment` is all that it gets.

        Raises:
            RunError: There is no such program.
        """
        if self.pid is not None:
            return
        program = shutil.which(command[0])
        if program is None:
            raise RunError("not_started", f"{self.name}: there is no program {command[0]}")
        for folder in (self.run, self.logs):
            make_directory(folder)
        with self.log.open("ab", buffering=0) as log:
            process = subprocess.Popen(
                [sys.executable, "-ISc", _GATE, program, *command[1:]],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        _children.append(process)
        record = {"pid": process.pid, "started": _started(process.pid), "command": list(command)}
        write_file(self._record, json.dumps(record).encode(), mode=PRIVATE)
        with suppress(BrokenPipeError), cast(IO[bytes], process.stdin) as gate:  # unless it has been ended already
            gate.write(b"\n")

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `ready` says so; it is asked again and again while the process runs.

        Raises:
            RunError: The process ended first, or the time is over; says what its log ends with.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.pid is None:
                raise RunError("not_started", f"{self.name} ended; the end of {self.log}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise RunError("not_ready", f"{self.name} is not ready in {timeout_s:.0f} s; see {self.log}")
            time.sleep(_POLL_S)  # Fabric's nodes tell nobody that they are ready

    def tail(self) -> str:
        """Return the end of its log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _TAIL))
                return file.read().decode(errors="replace").strip()
        except OSError:
            return ""

    def ask_to_end(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal, if it runs, and do not wait."""
        pid = self.pid
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self, timeout_s: float = 20.0) -> None:
        """End it: SIGTERM, and SIGKILL when it has not ended within `timeout_s`."""
        self.ask_to_end()
        deadline = time.monotonic() + timeout_s
        while self.pid is not None:
            if time.monotonic() > deadline:
                self.ask_to_end(signal.SIGKILL)
            time.sleep(_POLL_S)  # the end of a process that is no child of this one is told to nobody
        self._record.unlink(missing_ok=True)


def known_daemons(run: Path, logs: Path) -> list[Daemon]:
    """Return all of which there are records in `run`, whether they run or not."""
    return [Daemon(path.stem, run, logs) for path in sorted(run.glob("*.json"))]


_children: list[subprocess.Popen[bytes]] = []
"""Started by this process: asked for their status now and then, or they would stay as zombies while it lives."""


def _started(pid: int) -> str:
    """Return when the kernel started `pid`, in its own unit since boot, and of which boot; empty if it has ended."""
    for child in _children:
        child.poll()
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    # The name, in parentheses, may hold anything; after it come state (field 3) and, as field 22, the time of start.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else f"{boot}/{fields[19]}"
