"""Which copies an evaluation makes: the paper's at several strengths, and single edits."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from countermark.fingerprint.evaluation.edits import PAPER_STRENGTHS, Strength
from countermark.fingerprint.evaluation.errors import EvaluationError

__all__ = ["CHOICES", "HARD", "strengths"]

HARD: Final = "hard"
"""Name of the single edits of `edits.EDITS`."""

CHOICES: Final = (*PAPER_STRENGTHS, HARD, "all")

_MOST: Final = Strength(crop=0.45, noise=255, brightness=1.0)
"""Beyond these nothing is left of a picture."""


_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""It becomes part of a file's name."""


def strengths(chosen: str, file: Path | None) -> dict[str, Strength]:
    """Return the strengths of the paper's copies that ``chosen`` (one of `CHOICES`) names, as ``file`` has them.

    A file is a JSON object from names to ``{"crop": …, "noise": …, "brightness": …}``. What it names besides the
    usual strengths belongs to ``all``.

    Raises:
        EvaluationError: The file is malformed.
    """
    known = {**PAPER_STRENGTHS, **(_load(file) if file else {})}
    return {name: one for name, one in known.items() if chosen in (name, "all")}


def _load(file: Path) -> dict[str, Strength]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise EvaluationError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"{file}: not JSON") from error
    if not isinstance(document, dict):
        raise EvaluationError(f"{file}: an object of strengths is expected")
    return {name: _strength(file, name, value) for name, value in document.items()}


def _strength(file: Path, name: str, value: object) -> Strength:
    if name in (HARD, "all") or not _NAME.fullmatch(name):
        raise EvaluationError(f"{file}: {name!r} cannot be the name of a strength")
    if not isinstance(value, Mapping) or set(value) != set(Strength.__dataclass_fields__):
        raise EvaluationError(f"{file}, {name}: its members are {', '.join(Strength.__dataclass_fields__)}")
    for member, number in value.items():
        most = getattr(_MOST, member)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= most:
            raise EvaluationError(f"{file}, {name}: {member} is a number from 0 to {most:g}")
    return Strength(**value)
