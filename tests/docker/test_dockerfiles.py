"""The rules of our images, read from their Dockerfiles: in every run, for no engine is needed to see them."""

import importlib.util
import json
import re
import tomllib

import pytest

from tests.support.docker.files import BASE, FOLDER, IMAGES, ROOT, Instruction, dockerfile, parse

PINNED = re.compile(r"[\w./-]+(:[\w.-]*\d+\.\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})")
SECRET = re.compile(r"(?i)passw|secret|token|credential|private|index.?url|pip\.conf")

by_image = pytest.mark.parametrize("image", IMAGES)


def test_every_process_has_a_dockerfile() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.Dockerfile")) == [f"{image}.Dockerfile" for image in IMAGES]


@by_image
def test_the_base_is_an_argument_with_a_pinned_default(image: str) -> None:
    file = dockerfile(image)
    (argument,) = file.head
    name, _, default = argument.value.partition("=")
    assert (argument.name, name) == ("ARG", BASE)
    assert PINNED.fullmatch(default), default
    for stage in file.stages:
        assert re.fullmatch(rf"\$\{{{BASE}\}}( AS build)?", stage[0].value)


@by_image
def test_the_process_has_an_account_that_is_not_root_and_never_changes(image: str) -> None:
    assert dockerfile(image).of("USER") == ["10001:10001"]


@by_image
def test_the_health_check_runs_a_module_that_there_is(image: str) -> None:
    (check,) = dockerfile(image).of("HEALTHCHECK")
    options, _, command = check.partition("CMD ")
    words = json.loads(command)
    assert words[:2] == ["python", "-m"]
    assert importlib.util.find_spec(words[2])
    assert {option.partition("=")[0] for option in options.split()} >= {"--interval", "--timeout", "--retries"}


@by_image
def test_the_process_is_started_without_a_shell_so_that_signals_reach_it(image: str) -> None:
    (entry,) = dockerfile(image).of("ENTRYPOINT")
    words = json.loads(entry)
    assert words[:2] == ["python", "-m"]
    assert importlib.util.find_spec(words[2])
    assert not dockerfile(image).of("CMD")


@by_image
def test_the_shipped_stage_runs_nothing_and_takes_nothing_from_the_context(image: str) -> None:
    """So neither a package cache nor whatever lies about in the folder of the build can be in it."""
    file = dockerfile(image)
    assert not file.of("RUN")
    assert not file.of("ADD")
    assert all(copy.startswith("--from=build ") for copy in file.of("COPY"))


@by_image
def test_no_secret_is_given_to_a_build_as_argument_or_environment(image: str) -> None:
    """Both stay readable in the image's history. An index's credentials come as a secret of the build, in a mount."""
    for stage in dockerfile(image).stages:
        for one in stage:
            # Where a secret is mounted is none.
            said = re.sub(r"/run/secrets/\S+", "", one.value)
            assert one.name not in ("ARG", "ENV", "LABEL") or not SECRET.search(said), said
        for one in stage:
            if one.name == "RUN" and " install " in one.value and "--no-index" not in one.value:
                assert one.value.startswith("--mount=type=secret,id=pip,target=/etc/pip.conf ")


@by_image
def test_everything_that_is_installed_is_held_to_the_hashes_of_the_lock(image: str) -> None:
    runs = [one.value for stage in dockerfile(image).stages for one in stage if one.name == "RUN"]
    commands = [
        command for run in runs for command in run.split("&&") if re.search(r"\bpip\b.* (install|wheel) ", command)
    ]
    assert commands
    for command in commands:
        assert "--require-hashes" in command or "--no-index" in command, command


@by_image
def test_the_image_says_what_it_is(image: str) -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', " ".join(dockerfile(image).of("LABEL"))))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert labels["version"] == project["version"]
    assert labels["licenses"] == project["license"]
    assert labels["title"] == f"countermark-{image}"
    assert labels["description"]
    assert labels["revision"] == "${REVISION}"


def test_nothing_comes_into_a_build_but_what_is_named() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    files = {"LICENSE", "README.md", "pyproject.toml", "requirements.lock", "docker/locked.py"}
    assert {line[1:] for line in lines if line.startswith("!")} == files | set(packages["only-include"])


def test_what_is_no_instruction_is_found() -> None:
    with pytest.raises(AssertionError, match="no instruction"):
        parse("FROM a\nrun something\n")
    assert parse("ARG A=1\nFROM a\nRUN b \\\n    c\n").stages == (
        (Instruction("FROM", "a"), Instruction("RUN", "b c")),
    )
