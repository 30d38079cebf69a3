"""What docker/ says: Dockerfiles taken apart into their instructions, and the variables of the compose file."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docker"
COMPOSE = FOLDER / "compose.yaml"
IMAGES = ("chaincode", "gateway", "worker")
BASE = "BASE_IMAGE"

_INSTRUCTION = re.compile(r"([A-Z]+)\s+(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, its lines joined."""

    name: str
    value: str


@dataclass(frozen=True)
class Dockerfile:
    """The instructions of a Dockerfile: those before the first stage, and those of each stage."""

    head: tuple[Instruction, ...]
    stages: tuple[tuple[Instruction, ...], ...]

    @property
    def shipped(self) -> tuple[Instruction, ...]:
        """The stage that becomes the image."""
        return self.stages[-1]

    def of(self, name: str) -> list[str]:
        """Return the values of the shipped stage's instructions of one kind."""
        return [one.value for one in self.shipped if one.name == name]


def parse(text: str) -> Dockerfile:
    """Return the Dockerfile in `text`; whatever is no instruction in it is an error."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    stages: list[list[Instruction]] = [[]]
    for line in filter(None, map(str.strip, kept.replace("\\\n", " ").splitlines())):
        match = _INSTRUCTION.fullmatch(line)
        assert match, f"no instruction: {line!r}"
        one = Instruction(match.group(1), " ".join(match.group(2).split()))
        if one.name == "FROM":
            stages.append([])
        stages[-1].append(one)
    return Dockerfile(tuple(stages[0]), tuple(map(tuple, stages[1:])))


def dockerfile(image: str) -> Dockerfile:
    return parse((FOLDER / f"{image}.Dockerfile").read_text())


def variables(text: str) -> dict[str, set[str]]:
    """Return the variables of a compose file, and what stands for each where it is not set."""
    found: dict[str, set[str]] = {}
    for name, default in _VARIABLE.findall(text):
        found.setdefault(name, set()).add(default)
    return found
