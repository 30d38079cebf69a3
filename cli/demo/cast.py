"""The parties of the demo: separate processes with separate homes, spoken to over their standard streams."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countermark.client.files import private_folder, write_private


class RefusedError(Exception):
    """A party was refused; ``code`` is the market's."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Actor:
    """A party's process as the narrator sees it."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        self.name = name
        self.address = ""
        self._process = process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def do(self, act: str, *arguments: Any) -> dict[str, Any]:
        """Have the party do ``act`` (a method of `party.Party`) and return what it tells.

        Raises:
            RefusedError: the market refused it.
        """
        self.begin(act, *arguments)
        return self.finish()

    def meet(self, stage: "Stage") -> None:
        """Tell the party where the gateway is; the first thing that it is told."""
        self._tell({"gateway": stage.gateway, "ca_file": str(stage.ca_file)})

    def begin(self, act: str, *arguments: Any) -> None:
        """Tell the party to do ``act`` and do not wait."""
        self._tell({"do": act, "with": arguments})

    def _tell(self, line: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def finish(self) -> dict[str, Any]:
        """Return what the party tells of the act that was begun.

        Raises:
            RefusedError: the market refused it.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the {self.name}'s process has ended with status {self._process.wait()}")
        answer = json.loads(line)
        if "refused" in answer:
            raise RefusedError(answer["refused"]["code"], answer["refused"]["detail"])
        told: dict[str, Any] = answer["ok"]
        return told


@dataclass(frozen=True)
class Stage:
    """Where the parties meet: the gateway, and a folder for their homes."""

    folder: Path
    gateway: str
    ca_file: Path


@contextmanager
def cast(folder: Path, names: tuple[str, ...]) -> Iterator[dict[str, Actor]]:
    """Give a process for each of ``names`` with a home in ``folder``, all started at once and ended with the block.

    They get ready while the platform does; each must `Actor.meet` the stage before it can act.
    """
    with ExitStack() as ended:
        actors: dict[str, Actor] = {}
        for name in names:
            home = private_folder(folder / "homes" / name)
            passphrase_file = home / "passphrase"
            # What --keep leaves behind can be opened by whoever can read this file, and by nobody else.
            write_private(passphrase_file, secrets.token_urlsafe(24).encode())
            command = [sys.executable, "-m", "countermark.cli.demo.party", "--home", str(home)]
            command += ["--passphrase-file", str(passphrase_file)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            ended.callback(_end, process)
            actors[name] = Actor(name, process)
        yield actors


def _end(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.wait()
    process.stdout.close()
