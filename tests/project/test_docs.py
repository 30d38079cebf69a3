"""What the documentation says holds: commands, options, error codes, links, files."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from countermark.cli.main import command as root_command
from countermark.gateway.problems import PROBLEMS
from countermark.protocol.errors import ErrorCode
from docs import generate
from docs.generators import cli
from tests.support.pages import PAGES, ROOT, check_words

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(countermark [^`…]+)`")
_FUNCTION = re.compile(r"^(\w+)\(\) \{ (countermark .*?) \"\$@\"; \}$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_FILE = re.compile(r"`([\w./-]+/[\w.-]+\.(?:py|md|toml))`")
_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home|tmp|mnt|Users)/")


@dataclass(frozen=True)
class Line:
    """A command line of a page, with the shell functions that the page defines put in."""

    page: Path
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {shlex.join(self.words)}"


def _command_lines() -> Iterator[Line]:
    for page in PAGES:
        blocks = [body for language, body in _FENCE.findall(page.read_text()) if language in ("sh", "console")]
        text = "\n".join(blocks).replace("\\\n", " ")
        functions = dict(_FUNCTION.findall(text))
        callers = "|".join(["countermark", *functions])
        for line in _FUNCTION.sub("", text).splitlines():
            for found in re.finditer(rf"(?:^\$? ?|\$\(|bin/|until )((?:{callers}) [^|)&#>]*)", line):
                first, *rest = shlex.split(found.group(1))
                yield Line(page, (*shlex.split(functions.get(first, first)), *rest))
        # The headings of the page of commands are no command lines: required options stand below them.
        for inline in _INLINE.findall(_FENCE.sub("", page.read_text())) if page.name != "cli.md" else ():
            yield Line(page, tuple(shlex.split(inline)))


LINES = list(_command_lines())


def test_readme_shows_a_trade() -> None:
    shown = {
        " ".join(word for word in line.words if word.isalpha()) for line in LINES if line.page.name == "README.md"
    }
    for verb in ("listing create", "trade buy", "trade charge", "trade send", "trade receive", "trade confirm"):
        assert any(verb in line for line in shown), verb


@pytest.mark.parametrize("line", LINES, ids=str)
def test_shown_command_is_accepted(line: Line) -> None:
    check_words(root_command, list(line.words[1:]))


@pytest.mark.parametrize(
    "words",
    [
        "nonsense",
        "account nonsense",
        "account new --nonsense",
        "account fund",
        "account fund 1 2",
        "demo --scenario nonsense",
        "up --port 99999",
    ],
)
def test_checker_refuses_what_click_refuses(words: str) -> None:
    with pytest.raises(click.UsageError):
        check_words(root_command, words.split())


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text() == generate.PAGES[name](), "run `make docs`"


def test_every_error_code_is_documented() -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    assert set(PROBLEMS) == set(ErrorCode)
    assert not [code for code in ErrorCode if f"| `{code}` |" not in page]


def test_every_command_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    assert not [path for path, _ in cli.commands() if f"## `{path}" not in page]


@by_page
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert ROOT in file.parents, target
        assert not anchor or anchor in _anchors(file), target


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@by_page
def test_files_named_on_a_page_exist(page: Path) -> None:
    assert not [name for name in _FILE.findall(page.read_text()) if not (ROOT / name).is_file()]


@by_page
def test_page_names_no_path_of_somebodys_machine(page: Path) -> None:
    assert not _MACHINE.search(page.read_text())


def test_every_dependency_is_named_in_a_decision() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    decisions = "\n".join(path.read_text() for path in (ROOT / "docs" / "adr").glob("*.md")).lower()
    names = [re.split(r"[\[=<>~ ]", requirement)[0] for requirement in required]
    assert not [name for name in names if f"`{name.lower()}`" not in decisions]
