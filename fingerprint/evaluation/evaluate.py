"""Evaluate a generator on photographs: how many copies it finds, how many strangers it takes for copies."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.evaluation import galleries
from countermark.fingerprint.evaluation.cache import Cache
from countermark.fingerprint.evaluation.edits import PAPER_STRENGTHS, Strength
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.evaluation import Evaluation
from countermark.fingerprint.evaluation.experiment import Experiment
from countermark.fingerprint.evaluation.features import method_of
from countermark.fingerprint.evaluation.figures import Figures, Found
from countermark.fingerprint.evaluation.hard_recall import HardRecall, hard_recall, own_similarities
from countermark.fingerprint.evaluation.hard_search import Sought, rate, seek
from countermark.fingerprint.evaluation.measure import confusion
from countermark.fingerprint.evaluation.methods import SCORE
from countermark.fingerprint.evaluation.pairs import pairs_of, stranger_scores
from countermark.fingerprint.evaluation.paper_point import PaperPoint, paper_point
from countermark.fingerprint.evaluation.peers import PeerHashes
from countermark.fingerprint.evaluation.plan import Plan, Progress
from countermark.fingerprint.evaluation.scores import Scores
from countermark.fingerprint.image.config import CONFIGS, PAPER_V0

__all__ = ["evaluate"]

_PROBED = 2
"""Copies of each photograph by which the paper's point is looked for: precision does not depend on their number."""


def evaluate(plan: Plan, folder: Path, *, processes: int = 0, progress: Progress) -> Evaluation:
    """Return what ``plan`` finds, by as many processes (0: one for each core); fingerprints are kept in ``folder``.

    Raises:
        EvaluationError: The generator is for something else than images, or does not take one of the photographs.
        OSError: One cannot be read, or ``folder`` cannot be written.
    """
    config = CONFIGS.get(plan.generator)
    if config is None:
        raise EvaluationError(f"{plan.generator} is none of {', '.join(CONFIGS)}")
    count = processes or os.cpu_count() or 1
    with ProcessPoolExecutor(count) as pool:
        run = Experiment(plan, Cache(folder, method_of(plan.generator)), pool, count, progress)
        originals = run.originals()
        found = {
            name: _found(strength, run.search(name, strength, originals, plan.copies), config.thresholds.match)
            for name, strength in plan.attacks.strengths.items()
        }
        point = _paper_point(run, originals, found) if config is PAPER_V0 else None
        outcomes: list[list[Sought]] = []
        if plan.attacks.hard:
            outcomes = seek(
                *(plan.generator, originals, run.attacked()), processes=count, tell=progress("search, hard")
            )
        pairs = pairs_of(originals)
        peers: dict[str, HardRecall] = {}
        if plan.peers:
            theirs = Experiment(
                *(plan, Cache(folder, PeerHashes()), pool, count), lambda done: progress(f"peers, {done}")
            )
            found, peers = _with_peers(theirs, found)
    names = list(plan.attacks.hard)
    if peers:
        scores = np.array([[outcome.score for outcome in row] for row in outcomes])
        peers = {plan.generator: hard_recall(names, pairs.scores, scores), **peers}
    return Evaluation(
        generator=plan.generator,
        config=config.id,
        match=config.thresholds.match,
        review=config.thresholds.review,
        photos=len(plan.photos),
        copies=plan.copies,
        seed=plan.seed,
        different=confusion(pairs),
        pairs=pairs,
        measured_galleries=galleries.measured(pairs),
        expected_galleries=galleries.expected(pairs, config.thresholds),
        found=found,
        paper_point=point,
        hard={name: rate([row[index] for row in outcomes]) for index, name in enumerate(names)},
        hard_recall=peers,
    )


def _found(strength: Strength, scores: Mapping[str, Scores], match: float) -> Found:
    figures = {name: Figures.of(one) for name, one in scores.items()}
    score = figures.pop(SCORE)
    at_match = next(point for point in score.curve if point.threshold >= match)
    return Found(strength, score, at_match, features=figures, peers={})


def _paper_point(
    run: Experiment[Fingerprint], originals: Sequence[Fingerprint], found: Mapping[str, Found]
) -> PaperPoint | None:
    """Return where the paper's point lies, or None where not all of the paper's strengths were tried."""
    named = [found[name] for name in PAPER_STRENGTHS if name in found]
    if len(named) < len(PAPER_STRENGTHS):
        return None

    def probe(strength: Strength) -> float:
        scores = run.search("the paper's point", strength, originals, min(_PROBED, run.plan.copies))
        return Figures.of(scores[SCORE]).at_recall_95.precision

    known = {at: one.score.at_recall_95.precision for at, one in enumerate(named, start=1)}
    return paper_point([one.strength for one in named], known, probe)


def _with_peers(run: Experiment[bytes], found: Mapping[str, Found]) -> tuple[dict[str, Found], dict[str, HardRecall]]:
    """Return `found` with the figures of others' hashes, and what these find of hard attacks."""
    originals, method = run.originals(), run.cache.method
    with_peers = {}
    for name, one in found.items():
        scores = run.search(name, one.strength, originals, run.plan.copies)
        with_peers[name] = replace(one, peers={peer: Figures.of(counts) for peer, counts in scores.items()})
    if not run.plan.attacks.hard:
        return with_peers, {}
    strangers = stranger_scores(method, originals)
    similarities = own_similarities(method, originals, run.attacked())
    hard = {
        peer: hard_recall(list(run.plan.attacks.hard), strangers[peer].strangers, own)
        for peer, own in similarities.items()
    }
    return with_peers, hard
