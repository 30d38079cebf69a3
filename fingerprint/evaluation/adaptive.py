"""A pirate who has the code and the original's fingerprint, and takes the edits that harm the score most (A-45).

He tries every edit of his list on what he has so far, keeps the copy that scores lowest, and goes on from there until
the gate would accept it or he has made as many edits as he cares to: each costs the picture something. A copy that is
to be reviewed does not satisfy him.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image

from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.evaluation.changes import Random, encoded
from countermark.fingerprint.evaluation.hard import Attack
from countermark.fingerprint.operations import compare, compute

__all__ = ["MOVES", "Step", "adaptive_attack"]

MOVES: Final[Mapping[str, Attack]] = {
    "crop": Attack("crop", {"share": 0.06}),
    "turn": Attack("rotate", {"degrees": 2, "trim": 0.08}),
    "flip": Attack("flip", {"share": 0}),
    "brighten": Attack("gamma", {"power": 0.7}),
    "darken": Attack("gamma", {"power": 1.4}),
    "recolour": Attack("jitter", {"most": 0.2}),
    "noise": Attack("noise", {"sigma": 12}),
    "blur": Attack("blur", {"radius": 1}),
    "text": Attack("text", {"share": 0.05}),
    "logo": Attack("logo", {"share": 0.12}),
    "border": Attack("border", {"share": 0.05}),
    "compress": Attack("jpeg", {"quality": 40}),
}
"""Edits after each of which the picture can still be sold."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the pirate has after one edit.

    Attributes:
        edit: Which of the edits he chose.
        comparison: How his copy compares with the original.
    """

    edit: str
    comparison: Comparison


def adaptive_attack(
    picture: Image.Image, random: Random, *, steps: int, moves: Mapping[str, Attack] = MOVES
) -> Sequence[Step]:
    """Return the edits, `steps` at most, up to the one after which the copy would be accepted.

    Raises:
        FingerprintError: As `compute`.
    """
    original = compute(io.BytesIO(encoded(picture, "PNG")))
    taken: list[Step] = []
    current = picture
    while len(taken) < steps and not (taken and taken[-1].comparison.decision == "different"):
        copies = {name: move.copy(current, random) for name, move in moves.items()}
        outcomes = {name: compare(original, compute(io.BytesIO(copy))) for name, copy in copies.items()}
        worst = min(outcomes, key=lambda name: outcomes[name].score)
        taken.append(Step(worst, outcomes[worst]))
        current = Image.open(io.BytesIO(copies[worst])).convert("RGB")
    return taken
