"""What comparing two fingerprints says, and the one rule from score to decision."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Comparison", "Decision", "Thresholds"]

Decision = Literal["match", "review", "different"]
"""``match``: the same content; ``review``: a person has to look; ``different``: unrelated content."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of comparing two fingerprints.

    Attributes:
        decision: What follows from the score under the configuration.
        score: Similarity, 0 (nothing in common) to 1 (identical).
        reasons: What led to the decision, one short English phrase each, most important first.
        generator: The generator of both fingerprints.
        config: Id of the weights and thresholds used; to be recorded with every decision.
    """

    decision: Decision
    score: float
    reasons: tuple[str, ...]
    generator: str
    config: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The scores from which a pair is a match, or to be reviewed; a score equal to a threshold reaches it."""

    match: float
    review: float

    def decide(self, score: float) -> Decision:
        """Return the decision for `score`: the only place where a score meets a threshold."""
        if score >= self.match:
            return "match"
        return "review" if score >= self.review else "different"
