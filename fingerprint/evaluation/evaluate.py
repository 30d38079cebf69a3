"""Evaluate a generator on photographs: how many copies it finds, how many strangers it takes for copies."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.evaluation import protocol
from countermark.fingerprint.evaluation.attacks import Attacks
from countermark.fingerprint.evaluation.cache import Cache
from countermark.fingerprint.evaluation.edits import Strength
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.measure import Confusion, Rate, confusion, rate
from countermark.fingerprint.evaluation.scores import Point, Scores
from countermark.fingerprint.image.config import CONFIGS
from countermark.fingerprint.operations import compare_many

__all__ = ["Evaluation", "Found", "Plan", "evaluate", "photographs"]

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})

Progress = Callable[[str], protocol.Tell]
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
    """

    photos: Sequence[Path]
    generator: str
    attacks: Attacks
    copies: int
    seed: int


@dataclass(frozen=True, slots=True)
class Found:
    """How one strength's copies were found.

    Attributes:
        strength: The strength.
        copies: How many there were.
        at_match: The generator's own match threshold.
        at_recall_95: The highest threshold that finds 95 % of the copies.
        at_no_false: The lowest threshold that takes no stranger for a copy.
        at_one_in_a_million: The lowest threshold that takes one pair of strangers in a million for a copy at most.
        curve: All thresholds.
    """

    strength: Strength
    copies: int
    at_match: Point
    at_recall_95: Point
    at_no_false: Point
    at_one_in_a_million: Point
    curve: list[Point] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found; `match` is the generator's threshold under `config`."""

    generator: str
    config: str
    match: float
    photos: int
    copies: int
    seed: int
    different: Confusion
    found: dict[str, Found]
    hard: dict[str, Rate]

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON, without the curves."""
        document = asdict(self)
        for found in document["found"].values():
            del found["curve"]
        return document


def photographs(folder: Path) -> list[Path]:
    """Return the image files directly in ``folder``, by name.

    Raises:
        EvaluationError: There are fewer than two.
    """
    found = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _SUFFIXES)
    if len(found) < 2:
        raise EvaluationError(f"{folder}: two photographs at least ({', '.join(sorted(_SUFFIXES))})")
    return found


def evaluate(plan: Plan, folder: Path, *, processes: int = 0, progress: Progress) -> Evaluation:
    """Return what ``plan`` finds, by as many processes (0: one for each core); fingerprints are kept in ``folder``.

    Raises:
        EvaluationError: The generator is for something else than images, or does not take one of the photographs.
        OSError: One cannot be read, or ``folder`` cannot be written.
    """
    config = CONFIGS.get(plan.generator)
    if config is None:
        raise EvaluationError(f"{plan.generator} is none of {', '.join(CONFIGS)}")
    count, cache = processes or os.cpu_count() or 1, Cache(folder, plan.generator)
    with ProcessPoolExecutor(count) as pool:
        originals = protocol.originals_of(pool, cache, plan.photos, progress("photographs"))
        found = {}
        for name, strength in plan.attacks.strengths.items():
            copies = protocol.copies_of(
                *(pool, cache, plan.photos, strength),
                copies=plan.copies,
                seed=plan.seed,
                tell=progress(f"copies, {name}"),
            )
            scores = protocol.find_copies(originals, copies, processes=count, tell=progress(f"search, {name}"))
            found[name] = _found(strength, scores, config.thresholds.match)
        hard = {}
        if plan.attacks.hard:
            attacked = protocol.attacked_of(
                *(pool, cache, plan.photos, list(plan.attacks.hard.values())),
                seed=plan.seed,
                tell=progress("hard attacks"),
            )
            hard = _rates(list(plan.attacks.hard), originals, attacked)
    return Evaluation(
        generator=plan.generator,
        config=config.id,
        match=config.thresholds.match,
        photos=len(plan.photos),
        copies=plan.copies,
        seed=plan.seed,
        different=confusion(originals),
        found=found,
        hard=hard,
    )


def _found(strength: Strength, scores: Scores, match: float) -> Found:
    curve = scores.curve()
    return Found(
        strength=strength,
        copies=int(scores.copies.sum()),
        at_match=next(point for point in curve if point.threshold >= match),
        at_recall_95=scores.at_recall(0.95),
        at_no_false=scores.at_false_positives(0.0),
        at_one_in_a_million=scores.at_false_positives(1e-6),
        curve=curve,
    )


def _rates(
    names: Sequence[str], originals: Sequence[Fingerprint], attacked: Sequence[Sequence[Fingerprint]]
) -> dict[str, Rate]:
    outcomes = [compare_many(original, copies) for original, copies in zip(originals, attacked, strict=True)]
    return {name: rate(outcome[index] for outcome in outcomes) for index, name in enumerate(names)}
