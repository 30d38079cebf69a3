"""Child processes: started until they say that they are ready, restarted when they die, ended by pid.

A child tells that it is ready by a line on its standard error, which also goes to its log. Nothing here knows what
the children are.
"""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from countermark.client.errors import ClientError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

FIRST_RESTART_S = 0.2
LONGEST_RESTART_S = 10.0
"""Bounds of the pause before a dead child is started again, doubled from one to the other."""

STEADY_S = 5.0
"""A child that was ready for so long died of something else than its start: the pause begins from the shortest."""


class ProcessError(ClientError):
    """A child could not be started or was not ready in time; the detail holds the end of its log."""


@dataclass(frozen=True)
class ProcessSpec:
    """How to run one child: its command, the text of its ready line, its log and its additions to the environment."""

    name: str
    command: Sequence[str]
    ready: str
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_s: float = 30.0
    stop_s: float = 15.0


def _leash() -> None:
    """Make the kernel end this child when its parent dies, even by SIGKILL: no orphan keeps a port or a lock."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """One running child."""

    def __init__(self, spec: ProcessSpec, base_environment: Mapping[str, str]) -> None:
        self.spec = spec
        self._ready_at: float | None = None
        self._tail: deque[str] = deque(maxlen=20)
        self._settled = threading.Event()
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        self._log = spec.log.open("ab", buffering=0)
        self._popen = subprocess.Popen(
            spec.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**base_environment, **spec.environment},
            text=True,
            errors="replace",
            # A Ctrl-C at the terminal reaches the parent alone, which then ends the children in order.
            start_new_session=True,
            # One system call between fork and exec, taking no lock: safe beside threads.
            preexec_fn=_leash,
        )
        self._pump = threading.Thread(target=self._copy_log, name=f"log-{spec.name}", daemon=True)
        self._pump.start()

    def _copy_log(self) -> None:
        assert self._popen.stderr is not None
        with self._log:
            for line in self._popen.stderr:
                self._write_down(line.encode(errors="replace"))
                self._tail.append(line)
                if self.spec.ready in line:
                    self._ready_at = time.monotonic()
                    self._settled.set()
        # The stream ends with the process: whoever waits for readiness must not wait on.
        self._settled.set()

    def _write_down(self, line: bytes) -> None:
        """Add ``line`` to the log, whole or, on a full disk, not at all.

        A child whose lines nobody took would soon stand still.
        """
        with suppress(OSError):
            before = os.fstat(self._log.fileno()).st_size
            if self._log.write(line) != len(line):
                self._log.truncate(before)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._popen.poll() is None

    @property
    def steady(self) -> bool:
        """Whether it has been ready for `STEADY_S` seconds; of a dead one, until it was found dead."""
        return self._ready_at is not None and time.monotonic() - self._ready_at >= STEADY_S

    def wait_ready(self) -> None:
        """Wait until the child says that it is ready.

        Raises:
            ProcessError: when it ends or its time is over first.
        """
        self._settled.wait(self.spec.ready_s)
        if self._ready_at is not None:
            return
        why = "ended before it was ready" if self._settled.is_set() else "was not ready in time"
        raise ProcessError("process", f"{self.spec.name} {why}; the end of {self.spec.log}:\n{''.join(self._tail)}")

    def ask_to_end(self) -> None:
        """Send SIGTERM and do not wait."""
        if self.running:
            self._popen.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End the child: SIGTERM, and SIGKILL when it has not ended within its time."""
        self.ask_to_end()
        if self.running:
            try:
                self._popen.wait(self.spec.stop_s)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()
        self._pump.join()


class ProcessGroup:
    """Children that are started in stages, kept alive, and ended stage by stage in the reverse order.

    Use it from the main thread only: the kernel ties a child to the thread that started it.
    """

    def __init__(self, environment: Mapping[str, str], report: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._report = report
        self._processes: dict[str, Process] = {}
        self._stages: list[tuple[str, ...]] = []
        self._pauses: dict[str, float] = {}
        self._restart_at: dict[str, float] = {}

    def start(self, *specs: ProcessSpec) -> None:
        """Start all of ``specs`` at once and wait until every one is ready.

        Raises:
            ProcessError: when one of them is not; the others keep running until `stop`.
        """
        self._stages.append(tuple(spec.name for spec in specs))
        started = [self._launch(spec) for spec in specs]
        for process in started:
            process.wait_ready()

    def _launch(self, spec: ProcessSpec) -> Process:
        process = Process(spec, self._environment)
        self._processes[spec.name] = process
        return process

    def pids(self) -> dict[str, int]:
        """Return the process id of each child by name."""
        return {name: process.pid for name, process in self._processes.items()}

    def revive(self) -> None:
        """Start again what has died; call it regularly. A child that keeps dying is started ever more rarely."""
        now = time.monotonic()
        for name, process in self._processes.items():
            if process.running:
                continue
            if name not in self._restart_at:
                pause = FIRST_RESTART_S if process.steady else self._pauses.get(name, FIRST_RESTART_S)
                self._pauses[name] = min(pause * 2, LONGEST_RESTART_S)
                self._restart_at[name] = now + pause
                # What is told may find a full disk, or a reader who has gone: that must not end all the others.
                with suppress(OSError):
                    self._report(f"{name} has ended unexpectedly; it is started again in {pause:.1f} s")
            elif now >= self._restart_at[name]:
                del self._restart_at[name]
                self._launch(process.spec)

    def stop(self) -> None:
        """End all children, those of the last stage first; those of one stage at the same time."""
        while self._stages:
            stage = [self._processes[name] for name in self._stages.pop()]
            for process in stage:
                process.ask_to_end()
            for process in stage:
                process.stop()
        self._processes.clear()
