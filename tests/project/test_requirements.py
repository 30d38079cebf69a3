"""docs/requirements.md names, for each requirement, exactly the tests that carry its marker."""

import ast
import re
from pathlib import Path

import pytest

from docs.generators import requirements
from docs.generators.markers import MarkedTest, marked_tests
from docs.generators.requirements import Requirement, Status

ROOT = Path(__file__).resolve().parents[2]
ROWS = [row for section in requirements.load_sections(ROOT) for row in section.requirements]
AMBIGUITIES = requirements.load_ambiguities(ROOT)


@pytest.fixture(scope="module")
def marked() -> list[MarkedTest]:
    return marked_tests(ROOT)


def _numbers(text: str) -> set[str]:
    numbers: set[str] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        numbers |= {f"R{number}" for number in range(int(first), int(last or first) + 1)}
    return numbers


PROMISED = _numbers("1 2 4 7-11 14-17 19-27 29-50 59-61 65-67 76 77 79-82 84-86")
"""What version 0.1.0 covers: the ownership trade with the platform as a broker."""


def test_every_requirement_stands_on_the_page_once_and_in_order() -> None:
    assert [row.id for row in ROWS] == [f"R{number}" for number in range(1, 95)]


def test_page_says_what_the_markers_say() -> None:
    assert (ROOT / requirements.SOURCE).with_suffix(".md").read_text() == requirements.page(ROOT), "run `make docs`"


def test_covered_is_what_this_version_promises() -> None:
    promised_late = {row.id for row in ROWS if row.id in PROMISED and row.status is not Status.COVERED}
    assert not promised_late


def test_every_marker_names_a_requirement_or_an_ambiguity(marked: list[MarkedTest]) -> None:
    assert {test.requirement for test in marked} <= {row.id for row in ROWS} | set(AMBIGUITIES)


def test_ambiguities_stand_in_the_order_of_the_specification() -> None:
    assert AMBIGUITIES
    assert list(AMBIGUITIES) == sorted(AMBIGUITIES)
    assert not [number for number in AMBIGUITIES if not re.fullmatch(r"A-\d\d", number)]


@pytest.mark.parametrize("number", AMBIGUITIES)
def test_settled_ambiguity_has_a_test_that_runs_everywhere(number: str, marked: list[MarkedTest]) -> None:
    assert [test.node for test in marked if test.requirement == number and test.everywhere]


@pytest.mark.parametrize("row", [row for row in ROWS if row.status is Status.COVERED], ids=lambda row: row.id)
def test_covered_requirement_has_a_test_that_runs_everywhere(row: Requirement, marked: list[MarkedTest]) -> None:
    assert [test.node for test in marked if test.requirement == row.id and test.everywhere]


def test_no_test_of_a_requirement_is_skipped_or_expected_to_fail(marked: list[MarkedTest]) -> None:
    assert not [(test.node, sorted(test.not_run)) for test in marked if test.not_run]


@pytest.mark.parametrize("row", [row for row in ROWS if row.status is Status.COVERED], ids=lambda row: row.id)
def test_guard_of_a_covered_requirement_exists(row: Requirement) -> None:
    path, _, symbol = row.guard.partition("::")
    assert row.check, "the page says what the guard does"
    assert symbol in _symbols(ROOT / path)


def _symbols(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (member for member in node.body if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef))
            names |= {f"{node.name}.{member.name}" for member in methods}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


MARKED = """
import pytest
pytestmark = [pytest.mark.requirement("R1")]

@pytest.mark.requirement("R2")
@pytest.mark.xfail
def test_plain(): ...

class TestGroup:
    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.requirement("R3"))])
    async def test_inside(self, x):
        pytest.skip("no")

@pytest.mark.fabric
def test_there(): ...

def helper_that_is_no_test(): ...
"""


def test_markers_are_found_wherever_pytest_finds_them(tmp_path: Path) -> None:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_sample.py").write_text(MARKED)
    found = {
        (t.node.partition("::")[2], t.requirement, tuple(t.not_run), t.everywhere) for t in marked_tests(tmp_path)
    }
    assert found == {
        ("test_plain", "R1", ("xfail",), True),
        ("test_plain", "R2", ("xfail",), True),
        ("TestGroup::test_inside", "R1", ("skip",), True),
        ("TestGroup::test_inside", "R3", ("skip",), True),
        ("test_there", "R1", (), False),
    }
