"""Comparing fingerprints of ``image/v1``.

1. Pictures: where both fingerprints have a content within plain margins, the contents are compared; the wholes only
   if they are not mostly blank, nor the contents drawings: what they share, the margins, is no evidence. Otherwise
   the wholes are, and then the content of the one, if it has one, with the whole of the other.
2. Hashes: templates of the one picture against targets of the other, both ways round; the closest pairs of views
   remain. Views without texture have no hash and are near to nothing.
3. Each remaining pair is aligned on the thumbnails: the content of the one shifted, scaled and turned onto the other.
4. The three similarities of the views are weighted; the best pair of views counts. It is a match only if its fine
   detail is alike, too, but for a share of it: outlines are no pictures.
5. Where all this is no match, a part of the one is looked for in the other (`parts`): the higher score counts.

The nearest views are tried as they are; then, as long as there is no match, more of them and with alignment. Pictures
of which no views resemble each other get a lower bound of the score, from histogram and hash alone. Pictures without
any texture are at most to be reviewed, even if their fingerprints are identical: many pictures of one colour are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.image.config import ViewsConfig
from countermark.fingerprint.image.dct64 import hash_similarity
from countermark.fingerprint.image.histogram import foreground_similarity, histogram_similarity
from countermark.fingerprint.image.parts import Part, shared_parts
from countermark.fingerprint.image.pictures import Features, Pictures, content, flat_share, is_plain, whole
from countermark.fingerprint.image.plain import look_alike
from countermark.fingerprint.image.view_pairs import (
    HASH_BITS,
    Registered,
    ViewPairs,
    holds_a_whole,
    in_register,
    nearest_views,
    view_distances,
)

__all__ = ["compare_with_all"]

_BATCH = 256

_Kind = Literal["wholes", "content", "drawings"]
"""Two wholes; a content within plain margins with a content or a whole; two contents that are drawings."""

_KINDS: Final[dict[_Kind, tuple[str, ...]]] = {
    "wholes": (),
    "content": ("plain margins left out",),
    "drawings": ("plain margins left out, both are drawings",),
}


@dataclass(frozen=True, slots=True, order=True)
class _Evidence:
    """What was found on two pictures.

    Attributes:
        score: The highest score.
        structure: Structural similarity of the views that it comes from.
        detail: Similarity of their fine detail.
        differing: Which share of them differs in it, where the rest would do for a match.
        nearness: Equal bits of the nearest views, of `HASH_BITS`.
        kind: What the two are.
    """

    score: float = 0.0
    structure: float = 0.0
    detail: float = 0.0
    differing: float = 0.0
    nearness: int = 0
    kind: _Kind = "wholes"


def compare_with_all(query: Fingerprint, references: Sequence[Fingerprint], config: ViewsConfig) -> list[Comparison]:
    """Return how `query` compares with each of `references` under `config`."""
    comparisons: list[Comparison] = []
    for start in range(0, len(references), _BATCH):
        comparisons += _compare_batch(query, references[start : start + _BATCH], config)
    return comparisons


def _compare_batch(query: Fingerprint, references: Sequence[Fingerprint], config: ViewsConfig) -> list[Comparison]:
    mine, within = whole(query), content(query)
    found = [_Evidence() for _ in references]

    def look(ours: Features, theirs: dict[int, Features], kind: _Kind) -> None:
        for row, evidence in zip(theirs, _compare(ours, list(theirs.values()), config, kind), strict=True):
            found[row] = max(found[row], evidence)

    different = [row for row, reference in enumerate(references) if reference != query]
    wholes = {row: whole(references[row]) for row in different}
    contents = {row: theirs for row in different if (theirs := content(references[row])) is not None}
    if within is None:
        look(mine, wholes, "wholes")
    else:
        rule = config.contents
        drawn = flat_share(within) >= rule.flat
        drawings = {row: theirs for row, theirs in contents.items() if drawn and flat_share(theirs) >= rule.flat}
        look(within, drawings, "drawings")
        look(within, {row: theirs for row, theirs in contents.items() if row not in drawings}, "content")
        blank = flat_share(mine) >= rule.blank
        settled = drawings.keys() | {
            row
            for row in contents
            if found[row].score >= config.thresholds.match or (blank and flat_share(wholes[row]) >= rule.blank)
        }
        look(mine, {row: theirs for row, theirs in wholes.items() if row not in settled}, "wholes")
    # One of the two may lie within the margins of the other.
    not_within = {row for row in different if found[row].score < config.thresholds.match}
    if within is None:
        look(mine, {row: theirs for row, theirs in contents.items() if row in not_within}, "content")
    else:
        rest = {row: theirs for row, theirs in wholes.items() if row in not_within and row not in contents}
        look(within, rest, "content")
    unlike = [row for row in different if found[row].score < config.thresholds.match]
    parts = dict(zip(unlike, shared_parts(query, [references[row] for row in unlike], config.parts), strict=True))
    plain = is_plain(query)
    return [
        _plain(query, reference, evidence, config)
        if plain and is_plain(reference)
        else _identical(query, config)
        if reference == query
        else _conclude(evidence, parts.get(row, Part()), query.generator, config)
        for row, (reference, evidence) in enumerate(zip(references, found, strict=True))
    ]


def _compare(query: Features, references: Sequence[Features], config: ViewsConfig, kind: _Kind) -> list[_Evidence]:
    """Return what is found on `query` and each of `references`, pictures of one kind."""
    if not references:
        return []
    ours, theirs = Pictures.of([query]), Pictures.of(references)
    colour = config.weights.histogram * histogram_similarity(ours.histograms, theirs.histograms)
    # Among views equally near the order decides which are tried: it must not depend on which image is the query.
    swapped = np.array([reference < query for reference in references])
    distances = view_distances(ours.hashes[0], theirs.hashes, swapped)
    nearest = distances.min(axis=1)
    scores = colour + config.weights.dct64 * hash_similarity(nearest, HASH_BITS)
    # Of the best views so far: score, structure, detail and the share that differs.
    best = np.zeros((len(references), 4))
    for near, ceiling, enough in _searches(distances, config, kind):
        for attempt in config.rounds:
            open_rows = np.flatnonzero((nearest <= config.candidate_bits) & (scores < enough))
            candidates = nearest_views(near, open_rows, attempt.views, config.candidate_bits)
            for start in range(0, len(candidates), _BATCH):
                part = candidates[start : start + _BATCH]
                rows = part[:, 0]
                views = in_register(ViewPairs.of(ours, theirs, part, swapped), attempt)
                weighed = _weigh(colour[rows], views, config)
                weighed[:, 0] = np.minimum(weighed[:, 0], ceiling)
                # Of several views of a row the last one stays, which is the best.
                rising = np.argsort(weighed[:, 0], kind="stable")
                rising = rising[weighed[rising, 0] > best[rows[rising], 0]]
                best[rows[rising]] = weighed[rising]
                np.maximum(scores, best[:, 0], out=scores)
    if kind != "wholes":
        sure = scores >= config.contents.match
        if kind == "drawings":
            sure &= foreground_similarity(ours.histograms, theirs.histograms) >= config.contents.colour
        scores = np.where(sure, scores, np.minimum(scores, config.short_of_match))
    return [
        _Evidence(float(score), structure, detail, differing, HASH_BITS - int(bits), kind)
        for score, (_, structure, detail, differing), bits in zip(scores, best.tolist(), nearest, strict=True)
    ]


def _weigh(colour: NDArray[np.float64], views: Registered, config: ViewsConfig) -> NDArray[np.float64]:
    """Return score, structure, detail and share that differs of n pairs of views, of which `colour` is known: n x 4.

    The score is short of a match where outlines alone agree. The share is 0 where it is not what keeps a pair short.
    """
    nearness, structure = hash_similarity(views.bits.min(axis=0), HASH_BITS), views.structures.max(axis=0)
    scores = colour + config.weights.dct64 * nearness + config.weights.ssim * structure
    alike = (scores >= config.thresholds.match) & (views.details >= config.detail)
    shares = views.differing(alike)
    match = (alike & (shares <= config.differing)).any(axis=0)
    scores = np.where(match, scores, np.minimum(scores, config.short_of_match))
    return np.stack([scores, structure, views.details.max(axis=0), np.where(match, 0, shares.max(axis=0))], axis=1)


def _searches(
    distances: NDArray[np.uint8], config: ViewsConfig, kind: _Kind
) -> tuple[tuple[NDArray[np.uint8], float, float], ...]:
    """Return what to search, in turn: distances of the views, the highest score they give, the score that will do.

    Of two drawings parts may agree (two bars of two charts): only a whole one that lies in the other is a match.
    """
    if kind == "wholes":
        return ((distances, 1.0, config.thresholds.match),)
    if kind == "content":
        return ((distances, 1.0, config.contents.match),)
    wholes = holds_a_whole(np.arange(distances.shape[1]))
    return (
        (np.where(wholes, distances, np.uint8(HASH_BITS)), 1.0, config.contents.match),
        (
            np.where(wholes, np.uint8(HASH_BITS), distances),
            config.short_of_match,
            config.thresholds.review,
        ),
    )


def _identical(query: Fingerprint, config: ViewsConfig) -> Comparison:
    return Comparison("match", 1.0, ("identical fingerprints",), query.generator, config.id)


def _plain(query: Fingerprint, reference: Fingerprint, evidence: _Evidence, config: ViewsConfig) -> Comparison:
    same = look_alike(query, reference, config.plain)
    score = config.thresholds.review if same else evidence.score
    reason = f"both without texture, {'the same' if same else 'other'} colours or form"
    return Comparison(config.thresholds.decide(score), score, (reason,), query.generator, config.id)


def _conclude(evidence: _Evidence, part: Part, generator: str, config: ViewsConfig) -> Comparison:
    score = min(max(evidence.score, 0.0), 1.0)
    of_part = min(max(config.thresholds.match + part.ahead, 0.0), 1.0)
    if part.support and of_part > score:
        reasons: tuple[str, ...] = (
            f"{part.support} corners agree on a shared part",
            f"structure {part.structure:.3f}, detail {part.detail:.3f} there",
        )
        reasons += _too_much(part.differing, config.parts.differing)
        return Comparison(config.thresholds.decide(of_part), of_part, reasons, generator, config.id)
    bits = HASH_BITS - evidence.nearness
    if bits > config.candidate_bits:
        reasons = (f"no views resemble each other: {bits} of {HASH_BITS} bits differ",)
    else:
        alike = f"structure {evidence.structure:.3f}, detail {evidence.detail:.3f}"
        reasons = (alike, f"nearest views differ in {bits} of {HASH_BITS} bits")
        reasons += _too_much(evidence.differing, config.differing) + _KINDS[evidence.kind]
    return Comparison(config.thresholds.decide(score), score, reasons, generator, config.id)


def _too_much(differing: float, most: float) -> tuple[str, ...]:
    return (f"{100 * differing:.0f} % of it differ in detail",) if differing > most else ()
