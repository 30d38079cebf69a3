"""The commands of a section of the documentation, run as they stand there, in a checkout of their own.

Programs of the same names stand before the real ones on PATH: they say where base image and package index are, and
keep the images of a test from taking the place of somebody's.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.docker.compose import programs
from tests.support.docker.engine import client
from tests.support.docker.files import BASE, ROOT

_PROGRAM = """\
#!{python} -I
import os, sys
words = sys.argv[1:]
if words[:1] == ["build"]:
    words = [word.replace("countermark/", "{repository}/") for word in words]
    words[1:1] = {options!r}
command = {command!r}
os.execv(command[0], [*command, *words])
"""


class Drill:
    """A shell in a fresh checkout in `folder`; `environment` is what is set besides."""

    def __init__(self, folder: Path, *, base: str, pip: Path, repository: str, environment: dict[str, str]) -> None:
        self.checkout = folder / "checkout"
        self._programs = folder / "programs"
        self._environment = environment
        self._repository = repository
        for name in _tracked():
            target = self.checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
        options = ["--network", "host", "--secret", f"id=pip,src={pip}", "--build-arg", f"{BASE}={base}"]
        self._programs.mkdir()
        self._write("docker", [client()], options, repository)
        self._write("docker-compose", programs()[0], [], repository)

    def run(self, commands: str) -> str:
        """Run `commands` as a script that ends with its first failure; return what it printed."""
        commands = commands.replace("IMAGE=countermark/", f"IMAGE={self._repository}/")
        path = os.pathsep.join([str(self._programs), str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", commands],
            cwd=self.checkout,
            env={**os.environ, "PATH": path, **self._environment},
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _write(self, name: str, command: list[str], options: list[str], repository: str) -> None:
        program = self._programs / name
        # Found by their full paths, or they would find themselves.
        text = _PROGRAM.format(python=sys.executable, options=options, repository=repository, command=command)
        program.write_text(text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)


def _tracked() -> Iterator[str]:
    """Yield what a build may take, and what compose reads."""
    from tests.support.docker.files import FOLDER

    names = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    yield ".dockerignore"
    for name in [*names, str(FOLDER.relative_to(ROOT))]:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(ROOT))
