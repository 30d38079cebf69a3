"""Hard attacks as the gate meets them: each attacked copy is looked for among all originals."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.evaluation.plan import Tell
from countermark.fingerprint.evaluation.protocol import prepared, searching, told
from countermark.fingerprint.evaluation.search import Searched

__all__ = ["Rate", "Sought", "rate", "seek"]

_CHUNK: Final = 4


@dataclass(frozen=True, slots=True)
class Sought:
    """What was found of one attacked copy.

    Attributes:
        score: With its own original; 0 where they were not compared.
        decision: About its own original.
        compared: With how many originals it was compared.
        wrong: How many others it is said to match.
    """

    score: float
    decision: str
    compared: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Rate:
    """What was found of so many copies after one attack.

    Attributes:
        copies: How many.
        matches: How many match their own originals.
        reviews: How many are to be reviewed for them.
        lowest: The lowest score with an own original.
        compared: With how many originals a copy was compared at most.
        wrong: How many match another's original.
    """

    copies: int
    matches: int
    reviews: int
    lowest: float
    compared: int
    wrong: int


def seek(
    generator: str,
    originals: Sequence[Fingerprint],
    attacked: Sequence[Sequence[Fingerprint]],
    *,
    processes: int,
    tell: Tell,
) -> list[list[Sought]]:
    """Return what is found of the copies of each of ``originals``, which ``attacked`` has in the same order."""
    with searching(processes, partial(Searched, generator), originals) as pool:
        return list(told(pool.map(_seek, enumerate(attacked), chunksize=_CHUNK), originals, tell))


def _seek(task: tuple[int, Sequence[Fingerprint]]) -> list[Sought]:
    owner, copies = task
    return [_sought(owner, copy) for copy in copies]


def _sought(owner: int, copy: Fingerprint) -> Sought:
    found = prepared().find(copy)
    wrong = sum(outcome.decision == "match" for number, outcome in found.items() if number != owner)
    own = found.get(owner)
    if own is None:
        return Sought(0.0, "different", len(found), wrong)
    return Sought(own.score, own.decision, len(found), wrong)


def rate(sought: Sequence[Sought]) -> Rate:
    """Return what was found of copies, at least one, in figures."""
    decisions = [one.decision for one in sought]
    return Rate(
        len(sought),
        decisions.count("match"),
        decisions.count("review"),
        min(one.score for one in sought),
        max(one.compared for one in sought),
        sum(one.wrong > 0 for one in sought),
    )
