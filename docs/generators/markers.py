"""Find the tests, and `@pytest.mark.requirement` on them, by reading them; nothing is imported or run."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_NOT_RUN = frozenset({"skip", "skipif", "xfail"})
_ELSEWHERE = frozenset({"fabric", "docker"})
"""Markers of tests that run only where their backend is."""


@dataclass(frozen=True)
class Test:
    """A test.

    Attributes:
        node: pytest's node id without parameters.
        not_run: Names of what would keep the test from running or from failing: skip, skipif, xfail.
        everywhere: Whether it needs nothing but Python, so that it runs on every machine.
    """

    node: str
    not_run: frozenset[str]
    everywhere: bool


@dataclass(frozen=True)
class MarkedTest(Test):
    """A test that shows a requirement.

    Attributes:
        requirement: For example ``R35``, or an ambiguity of the paper, ``A-05``.
    """

    requirement: str


@dataclass(frozen=True)
class _Marks:
    requirements: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def __or__(self, other: "_Marks") -> "_Marks":
        return _Marks(self.requirements | other.requirements, self.names | other.names)


def all_tests(root: Path) -> dict[str, Test]:
    """Return the tests below ``root``/tests by node id."""
    return {test.node: test for test, _ in _found(root)}


def marked_tests(root: Path) -> list[MarkedTest]:
    """Return the marked tests below ``root``/tests, by node id."""
    found = [
        MarkedTest(test.node, test.not_run, test.everywhere, requirement)
        for test, requirements in _found(root)
        for requirement in requirements
    ]
    return sorted(found, key=lambda test: (test.node, test.requirement))


def _found(root: Path) -> Iterator[tuple[Test, frozenset[str]]]:
    """Yield every test with the requirements that it shows."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from _in_body(tree.body, path.relative_to(root).as_posix(), _pytestmark(tree.body))


def _in_body(body: Iterable[ast.stmt], prefix: str, inherited: _Marks) -> Iterator[tuple[Test, frozenset[str]]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            marks = inherited | _marks(node.decorator_list) | _pytestmark(node.body)
            yield from _in_body(node.body, f"{prefix}::{node.name}", marks)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            marks = inherited | _marks(node.decorator_list)
            names = marks.names | _calls(node)
            test = Test(f"{prefix}::{node.name}", names & _NOT_RUN, everywhere=not names & _ELSEWHERE)
            yield test, marks.requirements


def _pytestmark(body: Iterable[ast.stmt]) -> _Marks:
    for node in body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
        ):
            return _marks([node.value])
    return _Marks()


def _marks(expressions: Iterable[ast.expr]) -> _Marks:
    """Return every marker in ``expressions``; those of single parameters (`pytest.param(marks=…)`) count too."""
    requirements: set[str] = set()
    names: set[str] = set()
    for node in (node for expression in expressions for node in ast.walk(expression)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "mark":
            names.add(node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
            requirements |= {
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            }
    return _Marks(frozenset(requirements), frozenset(names))


def _calls(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """Return which of pytest's ways out, `pytest.skip` and `pytest.xfail`, the test's own body calls."""
    return frozenset(
        node.func.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "pytest"
    )
