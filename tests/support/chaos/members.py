"""The processes of a whole platform, by name, as the kernel sees them: to end them, and to learn that they ended."""

import json
import os
import select
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from countermark.gateway.database import folders
from tests.support.whole_platform import Platform

POSTGRES = "postgres"
"""The server itself; `database` is the process that started it."""

SERVING = "gateway-serving"
"""The process that answers requests; `gateway` is the one that starts it."""

CHAINCODES = ("chaincode-platform", "chaincode-supervisor", "chaincode-trader")
NAMES = (*CHAINCODES, "peer", "database", POSTGRES, "gateway", SERVING, "worker")


class Members:
    """The members of `platform`; remembers what each process id stood for."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.names: dict[int, str] = {}

    def look(self) -> dict[str, int]:
        """Return the process ids of all members that run now, by name."""
        found = {}
        for pid, name in self._children():
            found[name] = pid
            self.names[pid] = name
        return found

    def kill(self, name: str) -> bool:
        """End `name` as by `kill -9`, and return whether it was there."""
        pid = self.look().get(name)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def wait_death(self, timeout_s: float) -> None:
        """Wait until any member that runs now has ended."""
        with ExitStack() as stack:
            watched = []
            for pid in self.look().values():
                with suppress(ProcessLookupError):
                    watched.append(os.pidfd_open(pid))
                    stack.callback(os.close, watched[-1])
            select.select(watched, [], [], timeout_s)

    def left(self) -> list[int]:
        """Return which of all the processes that were ever seen still run."""
        return [pid for pid in self.names if _stat(pid) is not None]

    def _children(self) -> Iterator[tuple[int, str]]:
        assert self._platform.process is not None
        ports = {
            str(port): name for name, port in json.loads((self._platform.data / "ports.json").read_text()).items()
        }
        parents = {pid: parent for pid in _pids() if (parent := _stat(pid)) is not None}
        top = self._platform.process.pid
        direct = [pid for pid, parent in parents.items() if parent == top]
        for pid in direct:
            command = _command(pid)
            match command[2:3]:
                case ["countermark.chaincode.server"]:
                    port = command[command.index("--address") + 1].rpartition(":")[2]
                    yield pid, f"chaincode-{ports[port]}"
                case ["countermark.network.embedded"]:
                    yield pid, "peer"
                case ["countermark.gateway.database"]:
                    yield pid, "database"
                case ["countermark.gateway.worker"]:
                    yield pid, "worker"
                case ["countermark.gateway.server"]:
                    yield pid, "gateway"
                    yield from ((child, SERVING) for child, parent in parents.items() if parent == pid)
        for folder in folders(self._platform.data / "postgres"):
            with suppress(FileNotFoundError, IndexError, ValueError):
                pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
                if pid in parents and _command(pid)[0].endswith("postgres"):
                    yield pid, POSTGRES


@dataclass
class Chaos:
    """A platform whose failpoints are armed in `points`, and its processes."""

    platform: Platform
    points: Path
    members: Members


def _pids() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def _stat(pid: int) -> int | None:
    """Return the parent of a process, None when it has ended."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(parent)


def _command(pid: int) -> list[str]:
    """Return the words of a process's command, none when it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []
