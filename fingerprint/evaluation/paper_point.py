"""At which strength of copies a generator has the precision that the paper reports: the paper names no strengths.

Strengths lie on one line: 0 is an untouched picture, 1 mild, 2 medium, 3 strong, and between two of them each limit
is interpolated. The same numbers make the copies of all strengths, so that precision falls nearly steadily along it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Final

from countermark.fingerprint.evaluation.edits import Strength

__all__ = ["PAPER_PRECISION", "PaperPoint", "Step", "paper_point", "strength_at"]

PAPER_PRECISION: Final = 0.98
"""What the paper reports at a recall of 95 %."""

_HALVINGS: Final = 4
"""Leave a sixteenth of the way between two named strengths."""

_UNTOUCHED: Final = Strength(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Step:
    """A position on the line of strengths, the strength there, and the precision at a recall of 95 %."""

    position: float
    strength: Strength
    precision: float


@dataclass(frozen=True, slots=True)
class PaperPoint:
    """Between which two strengths precision falls below the paper's.

    Attributes:
        reached: The stronger strength at which it is still reached; None where untouched pictures miss it.
        missed: The weaker at which it is missed; None where the strongest strength reaches it.
    """

    reached: Step | None
    missed: Step | None


def paper_point(
    named: Sequence[Strength], known: Mapping[int, float], probe: Callable[[Strength], float]
) -> PaperPoint:
    """Return where precision falls below the paper's along the line from an untouched picture through `named`.

    Args:
        named: Strengths at the positions 1, 2 and so on.
        known: Precision at each of these positions.
        probe: Returns that at another strength.
    """
    line = (_UNTOUCHED, *named)
    steps = [Step(at, strength, known[at]) for at, strength in enumerate(named, start=1)]
    missed = next((step for step in steps if not _reaches(step)), None)
    if missed is None:
        return PaperPoint(steps[-1], None)
    before = steps.index(missed)
    reached = steps[before - 1] if before else Step(0, _UNTOUCHED, probe(_UNTOUCHED))
    if not _reaches(reached):
        return PaperPoint(None, reached)
    for _ in range(_HALVINGS):
        middle = (reached.position + missed.position) / 2
        strength = strength_at(line, middle)
        step = Step(middle, strength, probe(strength))
        if _reaches(step):
            reached = step
        else:
            missed = step
    return PaperPoint(reached, missed)


def _reaches(step: Step) -> bool:
    return step.precision >= PAPER_PRECISION


def strength_at(line: Sequence[Strength], position: float) -> Strength:
    """Return the strength at `position`, 0 to the last of `line`, interpolated between its neighbours."""
    before = min(floor(position), len(line) - 2)
    a, b, share = line[before], line[before + 1], position - before
    return Strength(
        crop=a.crop + share * (b.crop - a.crop),
        noise=a.noise + share * (b.noise - a.noise),
        brightness=a.brightness + share * (b.brightness - a.brightness),
    )
