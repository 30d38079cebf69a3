"""The examples in the documentation are run, or held against what they are examples of."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from countermark.cli.main import command as root_command
from countermark.fingerprint.evaluation.attacks import attacks
from countermark.gateway.routes import BLUEPRINTS
from docs.generators import cli
from tests.support.pages import PAGES, ROOT, check_words

_BLOCK = re.compile(r"(?:^<!-- (\w+) -->\n\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"`countermark ([^`]+)`")


@dataclass(frozen=True)
class Example:
    """A fenced block of a page, in its language; `model` names what JSON is an example of."""

    page: Path
    number: int
    model: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}-{self.number}-{self.language}"


def _examples() -> Iterator[Example]:
    for page in PAGES:
        for number, (model, language, text) in enumerate(_BLOCK.findall(page.read_text()), start=1):
            yield Example(page, number, model, language, text)


EXAMPLES = list(_examples())


def _in(*languages: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [one for one in EXAMPLES if one.language in languages], ids=str)


_FILES: Mapping[str, Callable[[Path], object]] = {"attacks": partial(attacks, "all")}
"""Readers of files that users write."""


def _models() -> dict[str, type[BaseModel]]:
    assert BLUEPRINTS  # the routes, and with them their models, are loaded
    found, todo = dict[str, type[BaseModel]](), [BaseModel]
    while todo:
        children = todo.pop().__subclasses__()
        todo += children
        found |= {one.__name__: one for one in children if one.__module__.startswith("countermark.gateway")}
    return found


def test_every_example_is_in_a_language_that_is_checked() -> None:
    assert not [str(one) for one in EXAMPLES if one.language not in ("sh", "python", "json", "http", "yaml")]


@_in("sh")
def test_shell_example_can_be_parsed_and_makes_what_there_is(example: Example) -> None:
    """What runs in it is for `test_docs.py` and `end_to_end/test_readme.py`."""
    subprocess.run([shutil.which("bash") or "", "-n", "-c", example.text], check=True)
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", example.text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@_in("python")
def test_python_example_runs(example: Example, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(example.text)
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@_in("http")
def test_http_example_is_a_message(example: Example) -> None:
    head, _, body = example.text.partition("\n\n")
    first, *fields = head.splitlines()
    assert re.fullmatch(r"(GET|HEAD|POST|PUT|DELETE) /\S* HTTP/1\.1|HTTP/1\.1 \d{3} .+", first)
    names = dict(field.split(": ", 1) for field in fields)
    assert "json" not in names.get("Content-Type", "") or json.loads(body)


@_in("json")
def test_json_example_is_of_the_described_form(example: Example, tmp_path: Path) -> None:
    """`<!-- Name -->` before the block names the schema of the OpenAPI document, or whose file it is."""
    if example.model in _FILES:
        (tmp_path / "example.json").write_text(example.text)
        assert _FILES[example.model](tmp_path / "example.json")
        return
    assert example.model in _models(), f"no schema is named {example.model!r}"
    _models()[example.model].model_validate_json(example.text)
    described = set(_models()[example.model].model_fields)
    assert set(json.loads(example.text)) <= described


@pytest.mark.parametrize("path", [path for path, _ in cli.commands()])
def test_help_is_shown_and_names_only_commands_that_there_are(path: str) -> None:
    _, *words = path.split()
    done = CliRunner().invoke(root_command, [*words, "--help"], prog_name="countermark")
    assert done.exit_code == 0, done.output
    assert "Usage: countermark" in done.output
    for shown in _SHOWN.findall(" ".join(done.output.split())):
        check_words(root_command, shown.split())


def test_a_command_that_there_is_not_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        check_words(root_command, ["account", "mint"])
