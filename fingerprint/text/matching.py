"""From what two samples share to a decision."""

from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.sketch.sample import Overlap, Sketch
from countermark.fingerprint.text.config import SHORT_OF_THRESHOLD, TextConfig
from countermark.fingerprint.text.passages import passages_only
from countermark.fingerprint.text.placed import Placed, overlapping

__all__ = ["compare_texts", "is_short"]


def is_short(sketch: Sketch, config: TextConfig) -> bool:
    """Return whether a text has too few shingles for a copy of it to be known."""
    return len(sketch.hashes) << sketch.level < config.least_shingles


def compare_texts(first: Placed, second: Placed, generator: str, config: TextConfig) -> Comparison:
    """Return how two texts compare.

    The score is the share of one text that is in the other, of whichever there is more in the other, when from both
    the shingles are taken away that two texts may share without resembling each other. It is kept below a threshold
    if too few hashes support it, or if the texts share passages only.
    """

    def outcome(score: float, *reasons: str) -> Comparison:
        return Comparison(config.thresholds.decide(score), score, reasons, generator, config.id)

    if is_short(first.sketch, config) or is_short(second.sketch, config):
        return outcome(0.0, "too few words to tell a copy")
    unit = 1 << max(first.sketch.level, second.sketch.level)
    sides = overlapping(first, second), overlapping(second, first)
    shared = Overlap(len(sides[0][0]), len(sides[1][0]), len(sides[0][1]))
    score = _score(shared, config.forgiven / unit)
    if not score:
        return outcome(0.0, "the texts share no more than any two")
    shares = f"{shared.of_first:.0%} of one text is in the other, {shared.of_second:.0%} of the other in it"
    if shared.common < config.match_hits:
        enough = shared.common >= config.review_hits
        most = config.thresholds.match if enough else config.thresholds.review
        return outcome(
            min(score, most - SHORT_OF_THRESHOLD), shares, "what they share is too little for the length of the other"
        )
    smaller = min(shared.first, shared.second)
    if score >= config.thresholds.match and any(
        passages_only(places, common, unit, config.passages) for places, common in sides if len(places) == smaller
    ):
        return outcome(
            config.thresholds.match - SHORT_OF_THRESHOLD,
            shares,
            "they share passages only, as notices are",
        )
    return outcome(score, shares)


def _score(shared: Overlap, forgiven: float) -> float:
    smaller = min(shared.first, shared.second)
    return max(0.0, shared.common - forgiven) / (smaller - forgiven) if smaller > forgiven else 0.0
