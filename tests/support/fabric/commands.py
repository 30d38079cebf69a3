"""`countermark` as its users type it, and a default network that is run by it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class RefusedError(Exception):
    """A command did not do what it should; `stderr` is what it said."""

    def __init__(self, status: int, stderr: str) -> None:
        super().__init__(f"status {status}: {stderr}")
        self.status = status
        self.stderr = stderr


def run(*words: str | Path, timeout_s: float = 120) -> dict[str, Any]:
    """Run `countermark --json` with `words` and return its document."""
    command = [sys.executable, "-m", "countermark.cli.main", "--json", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    if done.returncode:
        raise RefusedError(done.returncode, done.stdout + done.stderr)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@contextmanager
def running_network(folder: Path, *options: str) -> Iterator[Path]:
    """Give the folder of a default network, made with `options` of `generate`, while the context lasts."""
    run("network", "generate", "--dir", folder, *options)
    try:
        run("network", "up", "--dir", folder)
        yield folder
    finally:
        run("network", "down", "--dir", folder)
