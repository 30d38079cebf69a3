"""docs/requirements.md: what people wrote in requirements.toml, beside the tests that carry the markers."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from docs.generators.markers import MarkedTest, marked_tests

SOURCE = "docs/requirements.toml"
_AMBIGUITIES = "ambiguities"


class Status(StrEnum):
    """How far a requirement has come."""

    COVERED = "covered"
    LATER = "later"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Requirement:
    """One row of the page.

    Attributes:
        id: ``R1`` to ``R94``.
        text: What is required, in a sentence.
        status: How far it has come.
        guard: ``path::symbol`` of the code that the tests would miss; empty unless covered.
        check: What that code does.
    """

    id: str
    text: str
    status: Status
    guard: str = ""
    check: str = ""


@dataclass(frozen=True)
class Section:
    """A chapter of the page: its title and its requirements."""

    title: str
    requirements: tuple[Requirement, ...]


def load_ambiguities(root: Path) -> dict[str, str]:
    """Return how what the paper leaves open is settled, as far as tests show it: a sentence by its number."""
    document = tomllib.loads((root / SOURCE).read_text(encoding="utf-8"))
    return {str(name): str(text) for name, text in document[_AMBIGUITIES].items()}


def load_sections(root: Path) -> tuple[Section, ...]:
    """Return the chapters of requirements.toml with their requirements, in order."""
    document = tomllib.loads((root / SOURCE).read_text(encoding="utf-8"))
    heads = document.pop("section")
    del document[_AMBIGUITIES]
    rows = [Requirement(id=name, **{**row, "status": Status(row["status"])}) for name, row in document.items()]
    starts = [next(i for i, row in enumerate(rows) if row.id == head["first"]) for head in heads]
    return tuple(
        Section(head["title"], tuple(rows[start:end]))
        for head, start, end in zip(heads, starts, [*starts[1:], len(rows)], strict=True)
    )


def page(root: Path) -> str:
    """Return the page."""
    return "".join(f"{line}\n" for line in _lines(load_sections(root), load_ambiguities(root), marked_tests(root)))


def _named(tests: list[MarkedTest], number: str) -> str:
    nodes = sorted({test.node for test in tests if test.requirement == number})
    return "<br>".join(f"`{node.removeprefix('tests/')}`" for node in nodes)


def _lines(sections: Iterable[Section], ambiguities: dict[str, str], tests: list[MarkedTest]) -> Iterator[str]:
    sections = tuple(sections)
    rows = [row for section in sections for row in section.requirements]
    covered = sum(row.status is Status.COVERED for row in rows)
    yield "# Requirements and the tests that show them"
    yield ""
    yield "<!-- Made by `make docs` from docs/requirements.toml and the markers of the tests. Change those. -->"
    yield ""
    yield f"The {len(rows)} requirements are taken from the paper that Countermark implements (step numbers in"
    yield f"parentheses are the paper's). {covered} are covered by this version; the others come later, and a test"
    yield "that already shows part of one is named. The guard is the code without which the tests of the row fail."
    yield "A test names its requirement by `@pytest.mark.requirement`; `tests/project/test_requirements.py` compares."
    for section in sections:
        yield ""
        yield f"## {section.title}"
        yield ""
        yield "| # | Requirement | Status | Guard | Tests |"
        yield "|---|---|---|---|---|"
        for row in section.requirements:
            guard = f"`{row.guard}` {row.check}" if row.guard else ""
            yield f"| {row.id} | {row.text} | {row.status} | {guard} | {_named(tests, row.id)} |"
    yield ""
    yield "## What the paper leaves open"
    yield ""
    yield "Where the paper contradicts itself or says too little, the specification decides. Here stand those of its"
    yield "decisions whose tests carry a marker, by its numbers."
    yield ""
    yield "| # | Decision | Tests |"
    yield "|---|---|---|"
    for number, text in ambiguities.items():
        yield f"| {number} | {text} | {_named(tests, number)} |"
