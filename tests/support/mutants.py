"""The product with one bug put into it, and the test that must find it, in a process of their own.

A mutant is an edit of a file, or several edits where a guard stands in two places. The process imports the edited
folders, copies, before those of the repository; the repository itself is never touched.
"""

import ast
import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FAILED = 1
"""Exit status of pytest: tests ran, and one failed. Anything else but 0 is no finding of a test."""


@dataclass(frozen=True)
class Edit:
    """In the file `path`, `old` becomes `new`."""

    path: str
    old: str
    new: str

    def text(self, before: str, within: str = "") -> str:
        """Return the file's text `before` with the edit in it; with `within`, in that function, method or table."""
        part = source_of(before, within) if within else before
        assert part.count(self.old) == 1, f"{self.path} has {self.old!r} {part.count(self.old)} times"
        changed = before.replace(part, part.replace(self.old, self.new))
        ast.parse(changed)  # or every test would fail of it
        return changed


@dataclass(frozen=True)
class Mutant:
    """A bug: in the file `path`, `old` becomes `new`. The test `test` fails of it, and says `reason` (a pattern).

    `also` are further edits without which the first would not be the bug that is meant.
    """

    path: str
    old: str
    new: str
    test: str
    reason: str
    also: tuple[Edit, ...] = ()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits, in the order in which they are made."""
        return (Edit(self.path, self.old, self.new), *self.also)


def source_of(module: str, symbol: str) -> str:
    """Return the lines of a module's text that define `symbol`: a name, or a class and its method."""
    body = ast.parse(module).body
    for name in symbol.split("."):
        found = next(node for node in body if name in _names(node))
        body = getattr(found, "body", [])
    return "".join(module.splitlines(keepends=True)[found.lineno - 1 : found.end_lineno])


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        return [one.id for one in node.targets if isinstance(one, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return [node.name] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else []


def check_caught(mutant: Mutant, directory: Path, within: str = "") -> None:
    """Check that the mutant's test fails of it, and for the right reason; `directory` is for the edited copy.

    With `within`, the first edit must be in that function, method or table of its file.
    """
    for folder in {Path(edit.path).parts[0] for edit in mutant.edits}:
        copied = directory / "countermark" / folder
        # With what was compiled: it counts for all but the edited files, whose time is another. While somebody writes
        # it, it has a longer name.
        shutil.copytree(ROOT / folder, copied, ignore=shutil.ignore_patterns("*.pyc.*"))
    for edit in mutant.edits:
        file = directory / "countermark" / edit.path
        # Of several, only the first is said to be the guard.
        file.write_text(edit.text(file.read_text(), within if edit == mutant.edits[0] else ""))
    done = run_tests(mutant.test, python_path=directory)
    assert done.returncode == FAILED, f"{mutant.test} does not find it:\n{done.stdout}"
    errors = "\n".join(line for line in done.stdout.splitlines() if line.startswith("E "))
    assert re.search(mutant.reason, errors), f"{mutant.test} fails of something else:\n{errors}"


def run_tests(*tests: str, python_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run tests in a process of their own, up to the first that fails."""
    options = ["-x", "-p", "no:cacheprovider", "-p", "pytest_timeout", "--timeout", "600"]
    with tempfile.NamedTemporaryFile() as output:
        request = {
            "arguments": [*options, *tests],
            "python_path": "" if python_path is None else str(python_path),
            "output": output.name,
        }
        status = _forks().ask(request)
        return subprocess.CompletedProcess(tests, status, Path(output.name).read_text())


class _Forks:
    """`tests.support.forked_tests` as a process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.support.forked_tests"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, cwd=ROOT, env=_environment(), text=True, **pipes)

    def ask(self, request: Mapping[str, object]) -> int:
        """Return the exit status of a run of pytest."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        try:
            print(json.dumps(request), file=requests, flush=True)
            status = answers.readline()
        except BaseException:
            # Who is interrupted leaves an answer behind, which is none to the next request.
            self._process.kill()
            _forks.cache_clear()
            raise
        assert status, "the process that runs tests has ended"
        return int(status)

    def close(self) -> None:
        """End the process, which waits for no more requests."""
        self._process.communicate()


@cache
def _forks() -> _Forks:
    forks = _Forks()
    atexit.register(forks.close)
    return forks


def _environment() -> Mapping[str, str]:
    # This run's pytest, its share of the tests and their size are no business of the other.
    ours = ("PYTEST_", "COUNTERMARK_NIGHTLY")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Half of what a small test takes is the import of plugins that it does not use.
    return inherited | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
