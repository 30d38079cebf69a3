"""Commands of docs/operations.md, run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.pages import ROOT

_PAGE = ROOT / "docs" / "operations.md"


def run_documented(command: str, folder: Path, *, timeout_s: float = 240) -> str:
    """Run `command` of the page in `folder` and return what it printed; one that is not on the page is refused."""
    lines = re.sub(r"\\\n *", "", _PAGE.read_text()).splitlines()
    assert command in lines, f"{_PAGE} has no line {command!r}"
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
