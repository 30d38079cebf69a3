"""Compose files read as docker-compose reads them, as far as ours go: variables put in, anchors resolved."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def read(file: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the document in `file`, every variable that `environment` does not set being its default."""
    given = environment or {}
    text = _VARIABLE.sub(lambda found: given.get(found.group(1)) or found.group(2) or "", file.read_text())
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def programs() -> list[list[str]]:
    """Return how compose is called here: the program of its own, the plugin of the client, both or neither."""
    program, client = shutil.which("docker-compose"), shutil.which("docker")
    found = [[program]] if program else []
    if client:
        asked = subprocess.run([client, "compose", "version"], capture_output=True, check=False)
        found += [[client, "compose"]] if asked.returncode == 0 else []
    return found


def config(program: Sequence[str], *files: Path, env_file: Path) -> subprocess.CompletedProcess[str]:
    """Have compose itself read `files`."""
    arguments = [word for file in files for word in ("--file", str(file))]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSE_", "COUNTERMARK_"))}
    return subprocess.run(
        [*program, *arguments, "--env-file", str(env_file), "config"],
        env=clean,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
