"""The platform as docker/compose.yaml runs it, on the images of this run and a ledger in containers."""

import json
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.command_line import countermark
from tests.support.docker import standins
from tests.support.docker.compose import programs
from tests.support.docker.engine import client, docker
from tests.support.docker.files import COMPOSE, ROOT
from tests.support.docker.images import Images
from tests.support.docker.ledger import TIME_WINDOW_S, Ledger

HEALTHY_S = 600.0
_POLL_S = 0.5

SERVICES = ("database", "gateway", "worker")
"""What is started: of Prometheus there is no image."""


@dataclass(frozen=True)
class Served:
    """A gateway at `url`, whose certificate is of the authority in `ca_file`."""

    url: str
    ca_file: Path

    def environment(self, home: Path) -> dict[str, str]:
        """What a trader sets who has the home `home`, and his passphrase in it."""
        return {
            "COUNTERMARK_HOME": str(home / "countermark"),
            "COUNTERMARK_PASSPHRASE_FILE": str(home / "passphrase"),
            "COUNTERMARK_GATEWAY": self.url,
            "COUNTERMARK_CA_FILE": str(self.ca_file),
        }

    def ready(self) -> Any:
        """What it says of its readiness."""
        answer = httpx.get(f"{self.url}/readyz", verify=self._context(), timeout=30, trust_env=False)
        return answer.json()

    def wait_ready(self) -> None:
        """Return when nothing that it needs is away."""
        give_up = time.monotonic() + HEALTHY_S
        while True:
            try:
                if (state := self.ready())["ready"]:
                    return
            except httpx.HTTPError as error:
                state = error
            assert time.monotonic() < give_up, state
            time.sleep(_POLL_S)  # readiness is asked, not told

    def certificate(self) -> bytes:
        """The certificate that it shows, DER."""
        host, _, port = self.url.removeprefix("https://").rpartition(":")
        raw = socket.create_connection((host, int(port)), timeout=30)
        with raw, self._context().wrap_socket(raw, server_hostname=host) as connection:
            shown = connection.getpeercert(binary_form=True)
        assert shown
        return shown

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))


@dataclass(frozen=True)
class Container:
    """A container, by its id or name."""

    id: str

    @property
    def state(self) -> Any:
        return self._inspect("{{json .State}}")

    @property
    def description(self) -> Any:
        return self._inspect("{{json .}}")

    @property
    def log(self) -> str:
        done = subprocess.run([client(), "logs", self.id], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def wait_healthy(self) -> None:
        self.wait(lambda state: state["Health"]["Status"] == "healthy")

    def wait(self, good: Any, timeout_s: float = HEALTHY_S) -> Any:
        """Return its state when that is `good`."""
        give_up = time.monotonic() + timeout_s
        while not good(state := self.state):
            assert state["Running"], f"{state}\n{self.log}"
            assert time.monotonic() < give_up, f"{state}\n{self.log}"
            time.sleep(_POLL_S)  # the engine tells nobody
        return state

    def wait_restarted(self, count: int) -> None:
        """Return when it has been started again more often than `count` times, and runs."""
        give_up = time.monotonic() + HEALTHY_S
        while self.description["RestartCount"] <= count or not self.state["Running"]:
            assert time.monotonic() < give_up, f"{self.state}\n{self.log}"
            time.sleep(_POLL_S)  # the engine tells nobody

    def kill(self) -> None:
        """Kill the process that its init has started, as nothing but a crash would."""
        pid = self.description["State"]["Pid"]
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        docker("exec", self.id, *self._killer(int(child)))

    def _killer(self, pid: int) -> list[str]:
        """Return a command that kills, in the container, the process that has the id `pid` outside."""
        status = Path(f"/proc/{pid}/status").read_text()
        inside = re.search(r"^NSpid:.*\s(\d+)$", status, re.MULTILINE)
        assert inside, status
        return ["sh", "-c", f"kill -9 {inside.group(1)}"]

    def run(self, *command: str) -> str:
        """Run a command in it and return what it printed."""
        return docker("exec", self.id, *command)

    def stop(self) -> tuple[int, float]:
        """Send it SIGTERM, and return its exit status and how long it took, in seconds."""
        began = time.monotonic()
        docker("stop", "--time", "60", self.id)
        return int(self.state["ExitCode"]), time.monotonic() - began

    def _inspect(self, form: str) -> Any:
        return json.loads(docker("inspect", "--format", form, self.id))


class Platform:
    """The project `name` of compose, its files in `folder`."""

    def __init__(self, folder: Path, name: str, images: Images, ledger: Ledger) -> None:
        self.folder = folder / "countermark-platform"
        self._name = name
        self._images = images
        self._ledger = ledger
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._connections = [
            ledger.connection(folder / f"{msp_id}.json", msp_id) for msp_id in ("PlatformMSP", "SupervisorMSP")
        ]
        self._here = folder / "here.json"

    @property
    def gateway(self) -> Served:
        return Served(f"https://127.0.0.1:{self._port}", self.folder / "public" / "gateway-ca.pem")

    def prepare(self) -> list[str]:
        """Make the platform's files and return the names of those that were written."""
        named = [word for file in self._connections for word in ("--connection", str(file))]
        made = countermark(
            "platform", "prepare", "--platform", str(self.folder), "--ledger", self._ledger.name, "--faucet", *named
        )
        written: list[str] = made["written"]
        return written

    def found(self) -> bool:
        """Found the market and return whether there was none."""
        connection = self._ledger.connection(self._here, "PlatformMSP", from_host=True)
        options = ["--platform", str(self.folder), "--connection", str(connection), "--guard", str(TIME_WINDOW_S)]
        return bool(countermark("platform", "found", *options)["founded"])

    def up(self) -> None:
        self._compose("up", "--detach", "--no-build", *SERVICES)

    def down(self) -> None:
        """Remove containers, networks and volumes of the project."""
        self._compose("down", "--volumes", "--timeout", "30")

    def container(self, service: str) -> Container:
        return Container(self._compose("ps", "--quiet", service).strip())

    def _compose(self, *arguments: str) -> str:
        given = {
            "COUNTERMARK_PORT": str(self._port),
            "POSTGRES_IMAGE": standins.postgres(),
            "GATEWAY_IMAGE": self._images.tag("gateway"),
            "WORKER_IMAGE": self._images.tag("worker"),
        }
        options = ["--file", str(COMPOSE), "--project-name", self._name]
        return _run([*programs()[0], *options, "--env-file", str(self.folder / "compose.env"), *arguments], given)


def _run(command: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
