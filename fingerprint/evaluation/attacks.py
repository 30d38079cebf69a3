"""Which copies an evaluation makes: the paper's at several strengths, and hard attacks."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from countermark.fingerprint.evaluation.edits import PAPER_STRENGTHS, Strength
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.hard import HARD, KINDS, Attack

__all__ = ["Attacks", "attacks"]

_HARD: Final = "hard"
_MOST: Final = Strength(crop=0.45, noise=255, brightness=1.0)
"""Beyond these nothing is left of a picture."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""It becomes part of a file's name."""


@dataclass(frozen=True, slots=True)
class Attacks:
    """The strengths of the paper's copies, and the hard attacks, by name."""

    strengths: Mapping[str, Strength]
    hard: Mapping[str, Attack]


def attacks(chosen: str, file: Path | None) -> Attacks:
    """Return what ``chosen`` names: a strength (`PAPER_STRENGTHS`), ``hard``, or ``all``; as ``file`` has it.

    A file is a JSON object from names to ``{"crop": …, "noise": …, "brightness": …}``. What it names besides the
    usual strengths belongs to ``all``. Its member ``hard`` takes the place of `HARD`: an object from names to
    ``{"kind": …}`` and the parameters of that kind (`KINDS`).

    Raises:
        EvaluationError: The file is malformed.
    """
    document = _load(file) if file else {}
    where = str(file)
    known = {**PAPER_STRENGTHS, **{k: _strength(where, k, v) for k, v in document.items() if k != _HARD}}
    hard = _hard(where, document[_HARD]) if _HARD in document else HARD
    return Attacks(
        {name: one for name, one in known.items() if chosen in (name, "all")},
        hard if chosen in (_HARD, "all") else {},
    )


def _load(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise EvaluationError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"{file}: not JSON") from error
    if not isinstance(document, dict):
        raise EvaluationError(f"{file}: an object of strengths is expected")
    return document


def _strength(file: str, name: str, value: object) -> Strength:
    _check_name(file, name)
    members = Strength.__dataclass_fields__
    if not isinstance(value, Mapping) or set(value) != set(members):
        raise EvaluationError(f"{file}, {name}: its members are {', '.join(members)}")
    return Strength(**{one: _number(f"{file}, {name}", one, value[one], (0, getattr(_MOST, one))) for one in members})


def _hard(file: str, value: object) -> dict[str, Attack]:
    if not isinstance(value, Mapping) or not value:
        raise EvaluationError(f"{file}, hard: an object of attacks is expected")
    return {name: _attack(file, name, one) for name, one in value.items()}


def _attack(file: str, name: str, value: object) -> Attack:
    _check_name(file, name)
    kind = KINDS.get(str(value.get("kind"))) if isinstance(value, Mapping) else None
    if kind is None or not isinstance(value, Mapping):
        raise EvaluationError(f"{file}, {name}: its kind is one of {', '.join(KINDS)}")
    if set(value) != {"kind", *kind.bounds}:
        raise EvaluationError(f"{file}, {name}: its members are {', '.join(('kind', *kind.bounds))}")
    parameters = {one: _number(f"{file}, {name}", one, value[one], bounds) for one, bounds in kind.bounds.items()}
    return Attack(value["kind"], parameters)


def _number(where: str, name: str, value: object, bounds: tuple[float, float]) -> float:
    least, most = bounds
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise EvaluationError(f"{where}: {name} is a number from {least:g} to {most:g}")
    return value


def _check_name(file: str, name: str) -> None:
    if name in (_HARD, "all") or not _NAME.fullmatch(name):
        raise EvaluationError(f"{file}: {name!r} cannot be a name")
