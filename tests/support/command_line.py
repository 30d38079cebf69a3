"""`countermark` as its users type it: a process of its own, which prints one JSON document."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.whole_platform import COUNTERMARK

WAIT_S = 300.0


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document that it has printed."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)

    @property
    def first(self) -> str:
        """The first word that it has printed."""
        return self.out.split()[0]


def command(*words: str | Path) -> list[str]:
    """The command with `words` that prints JSON."""
    return [COUNTERMARK, "--json", *map(str, words)]


def call(*words: str | Path, environment: Mapping[str, str] | None = None) -> Result:
    """Run the command and return how it ended; `environment` is added to that of the tests."""
    done = subprocess.run(
        command(*words),
        env={**_environment(), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def countermark(*words: str | Path, status: int = 0, environment: Mapping[str, str] | None = None) -> Any:
    """Run the command, check its exit status and return its document."""
    done = call(*words, environment=environment)
    assert done.status == status, f"{words}: {done.status}\n{done.out}\n{done.err}"
    return done.json


def _environment() -> dict[str, str]:
    # A database of the tests' own is not the one of whoever runs them.
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
