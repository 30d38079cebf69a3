"""Commands of docs/operations.md, run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.pages import ROOT

PAGE = ROOT / "docs" / "operations.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(section: str) -> dict[str, str]:
    """Return the shell commands below the headings of a section of the page, by heading, in their order."""
    text = PAGE.read_text()
    found = re.search(rf"^## {re.escape(section)}$(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert found, section
    parts = re.split(r"^### (.*)$", found.group(1), flags=re.MULTILINE)
    titles = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {title: "".join(_BLOCK.findall(body)) for title, body in titles.items()}


def run_documented(command: str, folder: Path) -> str:
    """Run `command` of the page in `folder` and return what it printed; one that is not on the page is refused."""
    lines = re.sub(r"\\\n *", "", PAGE.read_text()).splitlines()
    assert command in lines, f"{PAGE} has no line {command!r}"
    return shell(command, folder)


def shell(commands: str, folder: Path, *, timeout_s: float = 280) -> str:
    """Run `commands` in `folder` as a script that ends with its first failure; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{commands}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
