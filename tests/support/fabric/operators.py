"""`countermark network` as an operator calls it: processes of their own, on a folder."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.command_line import WAIT_S, Result, call, command, countermark


@dataclass(frozen=True)
class Operator:
    """Whoever runs the network of one folder."""

    folder: Path

    def call(self, verb: str, *options: str) -> Result:
        return call("network", verb, "--dir", self.folder, *options)

    def do(self, verb: str, *options: str) -> Any:
        """Call a verb that has to succeed, and return its document."""
        return countermark("network", verb, "--dir", self.folder, *options)

    def interrupt(self, verb: str, after_s: float, number: int = signal.SIGINT) -> int | None:
        """Call a verb and send it a signal when `after_s` are over; return its status, None if it was done before."""
        process = subprocess.Popen(
            command("network", verb, "--dir", self.folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            return process.wait(WAIT_S)
        return None

    def status(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """Return the exit status and what is told of each node, by name."""
        done = self.call("status")
        return done.status, {one["name"]: one for one in done.json["nodes"]}

    def pids(self) -> dict[str, int]:
        return {name: one["pid"] for name, one in self.status()[1].items()}

    def processes(self) -> list[int]:
        """All processes of this machine that work on the folder, whether anybody knows of them or not."""
        return [pid for pid in _all_pids() if str(self.folder).encode() in _words(pid)]


@contextmanager
def operator(folder: Path) -> Iterator[Operator]:
    """Run the network of `folder` in the context, and end it."""
    made = Operator(folder)
    try:
        yield made
    finally:
        made.call("down")


def _all_pids() -> list[int]:
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [pid for pid in found if pid != os.getpid()]


def _words(pid: int) -> bytes:
    """Arguments and environment of a process; nothing if it has ended."""
    try:
        return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    except OSError:
        return b""
