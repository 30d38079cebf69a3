"""How well a generator recognises edited photographs, and how often it confuses different ones.

Figures are per pair and per listing: a gate compares a new listing with every registered item, so a rate per pair
that looks small refuses many honest listings once the gallery is large.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.evaluation.edits import Edit, paper_copy
from countermark.fingerprint.operations import compare_many, compute

__all__ = ["Confusion", "Rate", "Retrieval", "confusion", "edited_comparisons", "paper_copies", "rate", "retrieval"]


@dataclass(frozen=True, slots=True)
class Rate:
    """Of so many edited copies compared with their originals, how many are a match, and how many to be reviewed."""

    copies: int
    matches: int
    reviews: int
    lowest: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """Different photographs, each listed against all others as gallery.

    Attributes:
        pairs: Pairs of different photographs, each counted once.
        matching: How many of them are taken for a match.
        reviewed: How many of them are to be reviewed.
        listings: Photographs.
        refused: How many of them match any other: honest listings refused.
        delayed: How many of the others are to be reviewed because of any other.
        highest: The highest score of a pair.
    """

    pairs: int
    matching: int
    reviewed: int
    listings: int
    refused: int
    delayed: int
    highest: float


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The paper's experiment (section IV.C): originals look for their copies among the copies of all.

    Attributes:
        copies: Copies in the gallery.
        precision: Share of copies found at the match threshold that are the query's own; 1 where none is found.
        recall: Share of the own copies found at the match threshold.
        precision_at_95: Precision at the highest threshold that finds 95 % of the own copies.
    """

    copies: int
    precision: float
    recall: float
    precision_at_95: float


def edited_comparisons(photo: Path, generator: str, edits: Mapping[str, Edit], seed: int) -> dict[str, Comparison]:
    """Return how `photo` compares with itself after each of `edits`."""
    original = compute(photo, generator)
    with Image.open(photo) as opened:
        picture = opened.convert("RGB")
    random = np.random.default_rng(seed)
    copies = [compute(io.BytesIO(edit(picture, random)), generator) for edit in edits.values()]
    return dict(zip(edits, compare_many(original, copies), strict=True))


def paper_copies(photo: Path, generator: str, strength: str, copies: int, seed: int) -> list[Fingerprint]:
    """Return fingerprints of `copies` copies of `photo` as the paper makes them."""
    with Image.open(photo) as opened:
        picture = opened.convert("RGB")
    random = np.random.default_rng(seed)
    return [compute(io.BytesIO(paper_copy(picture, random, strength)), generator) for _ in range(copies)]


def rate(comparisons: Iterable[Comparison]) -> Rate:
    """Return the rate of matches among comparisons of copies with originals."""
    outcomes = list(comparisons)
    decisions = [outcome.decision for outcome in outcomes]
    lowest = min(outcome.score for outcome in outcomes)
    return Rate(len(outcomes), decisions.count("match"), decisions.count("review"), lowest)


def confusion(photos: Sequence[Fingerprint]) -> Confusion:
    """Return how often different photographs are confused; `photos` must hold no two of the same."""
    matching = reviewed = 0
    highest = 0.0
    worst = ["different"] * len(photos)
    for index, photo in enumerate(photos):
        for other, outcome in enumerate(compare_many(photo, photos[:index])):
            highest = max(highest, outcome.score)
            if outcome.decision == "match":
                matching += 1
                worst[index] = worst[other] = "match"
            elif outcome.decision == "review":
                reviewed += 1
                worst[index], worst[other] = (
                    place if place == "match" else "review" for place in (worst[index], worst[other])
                )
    count = len(photos)
    return Confusion(
        count * (count - 1) // 2, matching, reviewed, count, worst.count("match"), worst.count("review"), highest
    )


def retrieval(originals: Sequence[Fingerprint], copies: Sequence[Sequence[Fingerprint]]) -> Retrieval:
    """Return precision and recall of `originals` looking for their own of `copies`, a sequence for each."""
    gallery = [copy for group in copies for copy in group]
    owners = np.repeat(np.arange(len(originals)), [len(group) for group in copies])
    own_scores: list[float] = []
    other_scores: list[float] = []
    own_found = other_found = 0
    for index, original in enumerate(originals):
        for owner, outcome in zip(owners, compare_many(original, gallery), strict=True):
            found = outcome.decision == "match"
            if owner == index:
                own_scores.append(outcome.score)
                own_found += found
            else:
                other_scores.append(outcome.score)
                other_found += found
    threshold = np.sort(own_scores)[int(0.05 * len(own_scores))]
    own_above = int((np.array(own_scores) >= threshold).sum())
    other_above = int((np.array(other_scores) >= threshold).sum())
    return Retrieval(
        len(gallery),
        own_found / max(1, own_found + other_found) if own_found + other_found else 1.0,
        own_found / len(own_scores),
        own_above / (own_above + other_above),
    )
