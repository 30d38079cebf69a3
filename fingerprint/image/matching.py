"""Comparing fingerprints of ``image/v1``.

1. Hashes: templates of the one image against targets of the other, both ways round; the closest pairs of views
   remain.
2. Each remaining pair is aligned on the thumbnails: the content of the one shifted, scaled and turned onto the other.
3. The three similarities of the views are weighted; the best pair of views counts.

The nearest views are tried as they are; then, as long as there is no match, more of them and with alignment.

Images of which no views resemble each other get a lower bound of the score, from histogram and hash alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.image import THUMBNAIL_SIDE
from countermark.fingerprint.image.align import align
from countermark.fingerprint.image.config import Round, ViewsConfig
from countermark.fingerprint.image.contrast import SPREAD, equally_clipped, normalise
from countermark.fingerprint.image.dct64 import HASHED_SIDE, hamming, hash_without_dc, hash_words
from countermark.fingerprint.image.histogram import histogram_similarity
from countermark.fingerprint.image.resample import sample
from countermark.fingerprint.image.ssim import ssim
from countermark.fingerprint.image.views import TARGETS, TEMPLATES, view_maps

__all__ = ["compare_with_all"]

_BATCH = 256
_HASH_BITS = 63
_FLAT_SPREAD = SPREAD // 4

_templates, _targets = np.array(TEMPLATES), np.array(TARGETS)


@dataclass(frozen=True)
class _Images:
    """The segments of several fingerprints as arrays."""

    aspects: list[int]
    histograms: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]

    @classmethod
    def of(cls, fingerprints: Sequence[Fingerprint]) -> "_Images":
        def joined(name: str) -> bytes:
            return b"".join(fingerprint.segment(name) for fingerprint in fingerprints)

        count = len(fingerprints)
        return cls(
            [int.from_bytes(fingerprint.segment("aspect")) for fingerprint in fingerprints],
            np.frombuffer(joined("histogram"), ">u2").astype(np.int64).reshape(count, -1),
            hash_words(joined("dct64")).reshape(count, -1),
            np.frombuffer(joined("thumbnail"), np.uint8).reshape(count, THUMBNAIL_SIDE, THUMBNAIL_SIDE),
        )


def compare_with_all(query: Fingerprint, references: Sequence[Fingerprint], config: ViewsConfig) -> list[Comparison]:
    """Return how `query` compares with each of `references` under `config`."""
    comparisons: list[Comparison] = []
    for start in range(0, len(references), _BATCH):
        comparisons += _compare_batch(query, references[start : start + _BATCH], config)
    return comparisons


def _compare_batch(query: Fingerprint, references: Sequence[Fingerprint], config: ViewsConfig) -> list[Comparison]:
    ours, theirs = _Images.of([query]), _Images.of(references)
    equal = np.array([reference == query for reference in references])
    colour = config.weights.histogram * histogram_similarity(ours.histograms, theirs.histograms)
    # Among views equally near the order decides which are tried: it must not depend on which image is the query.
    key = _order_key(query)
    swapped = np.array([_order_key(reference) < key for reference in references])
    distances = _view_distances(ours.hashes[0], theirs.hashes, swapped)
    nearest = distances.min(axis=1)
    scores = colour + config.weights.dct64 * _hash_similarity(nearest)
    structures = np.zeros(len(references))
    for attempt in config.rounds:
        open_rows = np.flatnonzero((nearest <= config.candidate_bits) & (scores < config.thresholds.match) & ~equal)
        candidates = _nearest_views(distances, open_rows, attempt.views, config.candidate_bits)
        for start in range(0, len(candidates), _BATCH):
            part = candidates[start : start + _BATCH]
            rows = part[:, 0]
            bits, structure = _similarities(_ViewPairs.of(ours, theirs, part, swapped), attempt)
            found = colour[rows] + config.weights.dct64 * _hash_similarity(bits) + config.weights.ssim * structure
            np.maximum.at(scores, rows, found)
            np.maximum.at(structures, rows, structure)
    flat = (theirs.thumbnails.std(axis=(1, 2)) < _FLAT_SPREAD) | (ours.thumbnails.std() < _FLAT_SPREAD)
    return [
        _identical(query, config)
        if same
        else _conclude(_Evidence(float(score), float(structure), int(bits), bool(plain)), query.generator, config)
        for same, score, structure, bits, plain in zip(equal, scores, structures, nearest, flat, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was found on a pair: score, best structural similarity, least distance in bits, one image flat."""

    score: float
    structure: float
    bits: int
    flat: bool


def _identical(query: Fingerprint, config: ViewsConfig) -> Comparison:
    return Comparison("match", 1.0, ("identical fingerprints",), query.generator, config.id)


def _conclude(evidence: _Evidence, generator: str, config: ViewsConfig) -> Comparison:
    score = min(max(evidence.score, 0.0), 1.0)
    if evidence.flat:
        # Nothing but colour can be compared, and any two plain pictures of a colour share that.
        score = min(score, config.thresholds.review)
        reasons: tuple[str, ...] = ("hardly any structure",)
    elif evidence.bits > config.candidate_bits:
        reasons = (f"no views resemble each other: {evidence.bits} of {_HASH_BITS} bits differ",)
    else:
        reasons = (
            f"structure {evidence.structure:.3f}",
            f"nearest views differ in {evidence.bits} of {_HASH_BITS} bits",
        )
    return Comparison(config.thresholds.decide(score), score, reasons, generator, config.id)


def _view_distances(
    ours: NDArray[np.uint64], theirs: NDArray[np.uint64], swapped: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return distances in bits, n x pairs: templates of ours by targets of theirs, then the reverse; or `swapped`."""
    forth = hamming(ours[_templates][:, np.newaxis], theirs[:, np.newaxis, _targets]).reshape(len(theirs), -1)
    back = hamming(theirs[:, _templates, np.newaxis], ours[_targets]).reshape(len(theirs), -1)
    return np.where(
        swapped[:, np.newaxis], np.concatenate([back, forth], axis=1), np.concatenate([forth, back], axis=1)
    )


def _nearest_views(
    distances: NDArray[np.uint8], rows: NDArray[np.int64], views: int, most_bits: int
) -> NDArray[np.int64]:
    """Return (reference, pair of views) for up to `views` nearest pairs of each of `rows`."""
    order = np.argsort(distances[rows], axis=1, kind="stable")[:, :views]
    near = np.take_along_axis(distances[rows], order, axis=1) <= most_bits
    return np.stack([np.broadcast_to(rows[:, np.newaxis], order.shape)[near], order[near]], axis=1)


def _hash_similarity(bits: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return 1 for equal hashes, 0 for hashes no nearer than chance."""
    return np.asarray(np.maximum(0.0, 1 - bits.astype(np.int64) * 2 / _HASH_BITS))


@dataclass(frozen=True)
class _ViewPairs:
    """Pairs of views: thumbnails and maps of the templates, and of the targets."""

    templates: NDArray[np.uint8]
    template_maps: NDArray[np.int64]
    targets: NDArray[np.uint8]
    target_maps: NDArray[np.int64]

    @classmethod
    def of(
        cls, ours: _Images, theirs: _Images, candidates: NDArray[np.int64], swapped: NDArray[np.bool_]
    ) -> "_ViewPairs":
        templates, template_maps, targets, target_maps = [], [], [], []
        one_way = len(_templates) * len(_targets)
        for row, pair in candidates:
            mine = (ours.thumbnails[0], view_maps(ours.aspects[0]))
            other = (theirs.thumbnails[row], view_maps(theirs.aspects[row]))
            forth = (pair < one_way) != swapped[row]
            (template, maps_of_template), (target, maps_of_target) = (mine, other) if forth else (other, mine)
            template_view, target_view = divmod(int(pair) % one_way, len(_targets))
            templates.append(template)
            template_maps.append(maps_of_template[_templates[template_view]])
            targets.append(target)
            target_maps.append(maps_of_target[_targets[target_view]])
        return cls(np.stack(templates), np.stack(template_maps), np.stack(targets), np.stack(target_maps))


def _similarities(pairs: _ViewPairs, attempt: Round) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return distance in bits and structural similarity of each pair of views, aligned as `attempt` says.

    The better of two ways counts: as the views are, and with as much burnt out of the one as of the other.
    """
    maps = align(pairs.templates, pairs.template_maps, pairs.targets, pairs.target_maps, attempt.steps)
    shown = sample(pairs.templates, pairs.template_maps, HASHED_SIDE, 2)
    seen = sample(pairs.targets, maps, HASHED_SIDE, 2)
    first, second = (
        normalise(np.concatenate(both), least_spread=1)
        for both in zip((shown, seen), equally_clipped(shown, seen), strict=True)
    )
    bits = hamming(hash_without_dc(first), hash_without_dc(second)).reshape(2, -1).min(axis=0)
    return bits, np.maximum(0.0, ssim(first, second)).reshape(2, -1).max(axis=0)


def _order_key(fingerprint: Fingerprint) -> tuple[bytes, ...]:
    return tuple(segment.payload for segment in fingerprint.segments)
