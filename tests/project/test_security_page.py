"""docs/security.md: every line names a test that is there, or says that it is an assumption."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from docs.generators.markers import all_tests
from tests.support.pages import ROOT

TESTS = all_tests(ROOT)
BY_ITSELF = ("Who learns what", "Assumptions")
"""Sections that name no tests line by line: `tests/secrets` tests each cell of the one; the other is what it says."""

_TEST = re.compile(r"`([\w/]+\.py::test_\w+)`")
_ASSUMED = re.compile(r"\bAssumptions? (S\d+(?:, S\d+)*)")


@dataclass(frozen=True)
class Line:
    """A bullet with the lines that go on with it, or a row of a table."""

    section: str
    text: str

    @property
    def tests(self) -> list[str]:
        return [f"tests/{name}" for name in _TEST.findall(self.text)]

    @property
    def assumptions(self) -> set[str]:
        return {one for some in _ASSUMED.findall(self.text) for one in some.split(", ")}


def _lines(page: str) -> Iterator[Line]:
    section, bullet = "", ""
    lines = [*page.splitlines(), ""]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if bullet and line.startswith("  "):
            bullet += "\n" + line
            continue
        if bullet:
            yield Line(section, bullet)
        bullet = line if line.startswith("* ") else ""
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if line.startswith("| ") and not following.startswith("|---"):
            yield Line(section, line)


PAGE = (ROOT / "docs" / "security.md").read_text()
LINES = [line for line in _lines(PAGE) if line.section not in BY_ITSELF]
DECLARED = re.findall(r"^\| (S\d+) \| \S", PAGE, re.MULTILINE)

of_each = pytest.mark.parametrize("line", LINES, ids=lambda line: line.text[:60])


def test_lines_are_found() -> None:
    sections = {line.section for line in LINES}
    assert {"Adversaries", "What protects what", "What collusion can do", "What users are told"} <= sections
    assert len(LINES) > 100


@of_each
def test_line_names_a_test_or_an_assumption(line: Line) -> None:
    assert line.tests or line.assumptions


@of_each
def test_tests_of_a_line_run_and_one_of_them_everywhere(line: Line) -> None:
    assert not [node for node in line.tests if TESTS[node].not_run]
    assert not line.tests or any(TESTS[node].everywhere for node in line.tests)


def test_assumptions_are_numbered_and_none_is_named_that_is_not_there() -> None:
    assert [f"S{number}" for number in range(1, len(DECLARED) + 1)] == DECLARED
    assert {one for line in LINES for one in line.assumptions} <= set(DECLARED)


def test_every_test_that_is_named_anywhere_is_there() -> None:
    named = _TEST.findall(PAGE)
    assert not [name for name in named if f"tests/{name}" not in TESTS]
    # Or a name with a slip in it would not be looked up.
    assert len(named) == PAGE.count("::")
