"""The Docker engine of this machine, if there is one, and the programs that speak to it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.docker import compose

ANSWER_S = 60


def _clients() -> Iterator[str]:
    for folder in os.environ["PATH"].split(os.pathsep):
        found = shutil.which("docker", path=folder)
        if found:
            yield found


def _builds(client: str) -> bool:
    """Whether a client can build with BuildKit: those since 23 want a plugin for it."""
    asked = subprocess.run(
        [client, "build", "--help"],
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
        check=False,
    )
    return asked.returncode == 0 and "--secret" in asked.stdout


@cache
def client() -> str:
    """Return the path of the first client on PATH that can build our images; empty if there is none."""
    return next(filter(_builds, _clients()), "")


@cache
def missing() -> str:
    """Return what is missing for tests with containers; empty if nothing is."""
    if not client():
        return "no docker client with BuildKit on PATH"
    if not compose.programs():
        return "neither docker-compose nor its plugin is there"
    asked = subprocess.run([client(), "info"], capture_output=True, timeout=ANSWER_S, check=False)
    return "no Docker engine answers" if asked.returncode else ""


def docker(*arguments: str, stdin: bytes | None = None, timeout_s: float = 900, folder: Path | None = None) -> str:
    """Run the client and return what it printed; it must end well."""
    done = subprocess.run(
        [client(), *arguments],
        input=stdin,
        cwd=folder,
        env={**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"},
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stderr.decode(errors='replace')}"
    return done.stdout.decode().strip()


def remove_project(name: str) -> None:
    """Remove containers, volumes and networks of a project of compose, in whatever state they are."""
    label = f"--filter=label=com.docker.compose.project={name}"
    for kind, listing, removing in (
        ("containers", ("ps", "--all"), ("rm", "--force", "--volumes")),
        ("volumes", ("volume", "ls"), ("volume", "rm", "--force")),
        ("networks", ("network", "ls"), ("network", "rm")),
    ):
        found = docker(*listing, "--quiet", label).split()
        if found:
            docker(*removing, *found)
        assert not docker(*listing, "--quiet", label), kind
