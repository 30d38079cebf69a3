"""What an evaluation has found."""

from dataclasses import asdict, dataclass, field
from typing import Any

from countermark.fingerprint.evaluation.figures import Found
from countermark.fingerprint.evaluation.galleries import Expected, Measured
from countermark.fingerprint.evaluation.hard_recall import HardRecall
from countermark.fingerprint.evaluation.hard_search import Rate
from countermark.fingerprint.evaluation.measure import Confusion
from countermark.fingerprint.evaluation.pairs import Pairs
from countermark.fingerprint.evaluation.paper_point import PaperPoint

__all__ = ["Evaluation"]

_LEFT_OUT = frozenset({"curve", "pairs"})
"""Of the JSON: they are long, and drawn or written as CSV."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found.

    Attributes:
        generator: Its id.
        config: Id of its weights and thresholds.
        match: Score from which a pair is a match.
        review: Score from which a pair is to be reviewed.
        photos: How many there were.
        copies: Of each at each strength.
        seed: Of the copies' random numbers.
        different: Different photographs compared with each other.
        pairs: The same in full.
        measured_galleries: How many of the photographs are refused in galleries of the others.
        expected_galleries: How many listings rates per pair come to in galleries that cannot be tried.
        found: What was found of the paper's copies, by strength.
        paper_point: Where the paper's precision lies; None where it was not looked for.
        hard: What was found of hard attacks at the generator's thresholds, by attack.
        hard_recall: Of the generator and of others' hashes, each at a threshold of one false positive rate; empty
            where these were not asked for.
    """

    generator: str
    config: str
    match: float
    review: float
    photos: int
    copies: int
    seed: int
    different: Confusion
    pairs: Pairs = field(repr=False, compare=False)
    measured_galleries: list[Measured]
    expected_galleries: list[Expected]
    found: dict[str, Found]
    paper_point: PaperPoint | None
    hard: dict[str, Rate]
    hard_recall: dict[str, HardRecall]

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON, without the curves."""
        document = asdict(self, dict_factory=_without_curves)
        document["found"] = {name: {**found.pop("score"), **found} for name, found in document["found"].items()}
        return document


def _without_curves(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in members if name not in _LEFT_OUT}
