"""What is to be evaluated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from countermark.fingerprint.evaluation.attacks import Attacks
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.peers import check_installed

__all__ = ["Plan", "Progress", "Tell", "photographs"]

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})

Tell = Callable[[int, int], None]
"""Told how many photographs of how many have been dealt with."""

Progress = Callable[[str], Tell]
"""Makes, for what is done next, that which is told how far it is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be evaluated.

    Attributes:
        photos: Files, no two of which show the same.
        generator: Its id.
        attacks: Strengths of the paper's copies, and hard attacks, of which each photograph gets one copy.
        copies: How many of each photograph at each strength; the paper has 20.
        seed: Where the numbers of all copies come from.
        peers: Whether hashes that others publish are put to the same experiment.

    Raises:
        EvaluationError: Packages for `peers` are not installed.
    """

    photos: Sequence[Path]
    generator: str
    attacks: Attacks
    copies: int
    seed: int
    peers: bool = False

    def __post_init__(self) -> None:
        if self.peers:
            check_installed()


def photographs(folder: Path) -> list[Path]:
    """Return the image files directly in ``folder``, by name.

    Raises:
        EvaluationError: There are fewer than two.
    """
    found = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _SUFFIXES)
    if len(found) < 2:
        raise EvaluationError(f"{folder}: two photographs at least ({', '.join(sorted(_SUFFIXES))})")
    return found
