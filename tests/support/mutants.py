"""The product with one bug put into it, and the test that must find it, in a process of their own.

A mutant is an edit of one file. The process imports the edited folder, a copy, before the one of the repository; the
repository itself is never touched.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FAILED = 1
"""Exit status of pytest: tests ran, and one failed. Anything else but 0 is no finding of a test."""


@dataclass(frozen=True)
class Mutant:
    """A bug: in the file `path`, `old` becomes `new`. The test `test` fails of it, and says `reason` (a pattern)."""

    path: str
    old: str
    new: str
    test: str
    reason: str

    def text(self, within: str = "") -> str:
        """Return the file with the bug in it; with `within`, the bug is in that function, method or table."""
        whole = (ROOT / self.path).read_text()
        part = source_of(whole, within) if within else whole
        assert part.count(self.old) == 1, f"{self.path} has {self.old!r} {part.count(self.old)} times"
        changed = whole.replace(part, part.replace(self.old, self.new))
        ast.parse(changed)  # or every test would fail of it
        return changed


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

    With `within`, the bug must be in that function, method or table of its file.
    """
    folder = Path(mutant.path).parts[0]
    copied = directory / "countermark" / folder
    shutil.copytree(ROOT / folder, copied, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "countermark" / mutant.path).write_text(mutant.text(within))
    done = run_tests(mutant.test, python_path=directory)
    assert done.returncode == FAILED, f"{mutant.test} does not find it:\n{done.stdout}"
    errors = "\n".join(line for line in done.stdout.splitlines() if line.startswith("E "))
    assert re.search(mutant.reason, errors), f"{mutant.test} fails of something else:\n{errors}"


def run_tests(*tests: str, python_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run tests in a process of their own, up to the first that fails."""
    options = ["-x", "-p", "no:cacheprovider", "-p", "pytest_timeout", "--timeout", "600"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    return subprocess.run(
        command, cwd=ROOT, env=_environment(python_path), capture_output=True, text=True, check=False
    )


def _environment(python_path: Path | None) -> Mapping[str, str]:
    # This run's pytest, its share of the tests and their size are no business of the other.
    ours = ("PYTEST_", "COUNTERMARK_NIGHTLY")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Half of what a small test takes is the import of plugins that it does not use.
    inherited["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return inherited | ({} if python_path is None else {"PYTHONPATH": str(python_path)})
