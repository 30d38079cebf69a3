"""One project of compose: its containers are started, asked for and removed by the programs that the operator has."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from countermark.network.native.errors import RunError

HEALTHY_S: Final = 300.0
"""How long containers may take until they are healthy, in seconds: a busy machine starts them slowly."""

TRIES: Final = 3
"""So often a process is started again before nobody waits for it any longer."""

_WAIT_S: Final = 600.0
_POLL_S: Final = 0.25
_TAIL: Final = 2_000
_LABEL: Final = "com.docker.compose"


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the project, as the engine sees it."""

    service: str
    id: str
    running: bool
    health: str
    """`healthy`, `unhealthy`, `starting`; empty without a check."""
    restarts: int
    """How often the engine has started its process again."""
    folder: str
    """Folder of the compose file that it was started from."""

    @property
    def healthy(self) -> bool:
        """Whether it runs, and its check says so."""
        return self.running and self.health in ("healthy", "")


@dataclass(frozen=True, slots=True)
class Project:
    """The containers of the compose file `file`, under the name `name`."""

    file: Path
    name: str

    def up(self, services: Collection[str] = (), *, alone: bool = False, anew: bool = True) -> None:
        """Start `services`, or all, as the file has them now; with `alone`, remove what is no longer in it.

        Without `anew`, containers that there are stay as they were made.

        Raises:
            RunError: The engine does not answer, an image is missing, or a port is taken.
        """
        orphans = ["--remove-orphans"] if alone else []
        kept = [] if anew else ["--no-recreate"]
        self._compose("up", "--detach", "--no-build", *orphans, *kept, *services)

    def stop(self, services: Collection[str]) -> None:
        """End the processes of `services`; their containers stay.

        Raises:
            RunError: The engine does not answer.
        """
        self._compose("stop", *services)

    def down(self) -> None:
        """Stop and remove all containers of the project; what lies in folders stays.

        So does the engine's network while somebody else is in it, gateway and worker for one: with the next start
        they are reached again.

        Raises:
            RunError: The engine does not answer.
        """
        self._compose("rm", "--stop", "--force")
        for name in _run([_client(), "network", "ls", "--quiet", *self._filter]).split():
            if not json.loads(_run([_client(), "network", "inspect", name]))[0]["Containers"]:
                _run([_client(), "network", "rm", name])

    def containers(self) -> list[Container]:
        """Return the containers that there are.

        Raises:
            RunError: The engine does not answer.
        """
        listed = _run([_client(), "ps", "--all", "--quiet", *self._filter])
        ids = listed.split()
        if not ids:
            return []
        found = json.loads(_run([_client(), "inspect", *ids]))
        return sorted((_parse(one) for one in found), key=lambda one: one.service)

    def wait_healthy(self, services: Collection[str], timeout_s: float = HEALTHY_S) -> None:
        """Return when all `services` are healthy. One that is not may yet become so: its check has been too slow.

        Raises:
            RunError: One is missing, ends again and again, or is not healthy in time; says what its log ends with.
        """
        deadline = time.monotonic() + timeout_s
        first = {one.service: one.restarts for one in self.containers()}
        while True:
            found = {one.service: one for one in self.containers()}
            waiting = [name for name in services if name not in found or not found[name].healthy]
            if not waiting:
                return
            for name in waiting:
                one = found.get(name)
                if one is None:
                    raise RunError("not_ready", f"{name}: there is no container")
                over = time.monotonic() > deadline
                if over or one.restarts - first.get(name, 0) >= TRIES:
                    state = f"it is {one.health or 'not running'}" if over else "it ends again and again"
                    raise RunError("not_ready", f"{name}: {state}; the end of its log:\n{self.tail(name)}")
            time.sleep(_POLL_S)  # the engine tells nobody

    def tail(self, service: str) -> str:
        """Return the end of a container's log; empty if there is none."""
        ids = [one.id for one in self.containers() if one.service == service]
        if not ids:
            return ""
        command = [_client(), "logs", "--tail", "40", ids[0]]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_WAIT_S, check=False)
        return done.stdout.decode(errors="replace")[-_TAIL:].strip()

    @property
    def _filter(self) -> list[str]:
        return ["--filter", f"label={_LABEL}.project={self.name}"]

    def _compose(self, *arguments: str) -> str:
        return _run([*compose_program(), "--file", str(self.file), "--project-name", self.name, *arguments])


def compose_program(which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """Return how compose is called here: the client's plugin, else the older program of its own.

    Raises:
        RunError: There is neither.
    """
    client, program = which("docker"), which("docker-compose")
    if client:
        asked = subprocess.run([client, "compose", "version"], capture_output=True, timeout=_WAIT_S, check=False)
        if asked.returncode == 0:
            return [client, "compose"]
    if program:
        return [program]
    raise RunError("missing_program", "neither docker-compose nor the plugin `docker compose` is installed")


def _client() -> str:
    client = shutil.which("docker")
    if client is None:
        raise RunError("missing_program", "docker is not installed")
    return client


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, env=_environment(), capture_output=True, timeout=_WAIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunError("engine_failed", f"{Path(command[0]).name}: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace")[-_TAIL:].strip()
        raise RunError("engine_failed", f"{Path(command[0]).name}: {said}")
    return done.stdout.decode(errors="replace")


def _environment() -> dict[str, str]:
    """Return this process's environment without what would name other files or another project."""
    return {name: value for name, value in os.environ.items() if name not in ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME")}


def _parse(described: Any) -> Container:
    labels, state = described["Config"]["Labels"], described["State"]
    return Container(
        service=labels.get(f"{_LABEL}.service", ""),
        id=described["Id"],
        running=bool(state["Running"]),
        health=state.get("Health", {}).get("Status", ""),
        restarts=int(described["RestartCount"]),
        folder=labels.get(f"{_LABEL}.project.working_dir", ""),
    )
