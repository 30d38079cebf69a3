"""Compares files by how much of one is in the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from countermark.fingerprint.binary import CONTENT, PACKED
from countermark.fingerprint.binary.config import BytesConfig
from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.sketch.sample import Sketch, overlap

__all__ = ["Samples", "compare_with_all"]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples that a fingerprint holds."""

    content: Sketch
    packed: Sketch

    @classmethod
    def of(cls, fingerprint: Fingerprint) -> Self:
        """Return those of a fingerprint by ``bytes/v1``."""
        return cls(*(Sketch.from_bytes(fingerprint.segment(name)) for name in (CONTENT, PACKED)))

    @property
    def bytes(self) -> int:
        """About how many different windows the content has."""
        return _bytes(len(self.content.hashes), self.content.level)


@dataclass(frozen=True, slots=True, order=True)
class _Shared:
    """What two files share: the decisive score, the share of one that is in the other, hashes and bytes."""

    score: float = 0.0
    share: float = 0.0
    hashes: int = 0
    bytes: int = 0


def compare_with_all(query: Fingerprint, references: Sequence[Fingerprint], config: BytesConfig) -> list[Comparison]:
    """Return how `query` compares with each of `references` under `config`."""
    mine = Samples.of(query)
    return [
        _identical(query, mine, config)
        if reference == query
        else _conclude(_shared(mine, Samples.of(reference), config), query.generator, config)
        for reference in references
    ]


def _shared(first: Samples, second: Samples, config: BytesConfig) -> _Shared:
    """Return the most that any sample of the one shares with any of the other."""
    most = max(
        _of_two(one, other, config)
        for one in (first.content, first.packed)
        for other in (second.content, second.packed)
    )
    if min(first.bytes, second.bytes) < config.featureless:
        # Compressed zeros are alike, however little that says.
        return replace(most, score=min(most.score, config.short_of_match))
    return most


def _of_two(first: Sketch, second: Sketch, config: BytesConfig) -> _Shared:
    if not (len(first.hashes) and len(second.hashes)):
        return _Shared()
    common = overlap(first, second)
    share = max(common.of_first, common.of_second)
    amount = _bytes(common.common, max(first.level, second.level))
    score = share
    if amount < config.least or common.common < config.least_hashes:
        score = min(share, config.short_of_review)
    elif (amount < config.little or common.common < config.little_hashes) and share < config.little_share:
        score = min(share, config.short_of_match)
    return _Shared(score, share, common.common, amount)


def _bytes(hashes: int, level: int) -> int:
    return hashes << level


def _identical(query: Fingerprint, mine: Samples, config: BytesConfig) -> Comparison:
    if mine.bytes >= config.featureless:
        return Comparison("match", 1.0, ("identical fingerprints",), query.generator, config.id)
    if not mine.bytes:
        reasons = ("both without content by which a copy could be known",)
        return Comparison("different", 0.0, reasons, query.generator, config.id)
    score = config.thresholds.review
    reasons = ("the same content, too little to know a copy by",)
    return Comparison(config.thresholds.decide(score), score, reasons, query.generator, config.id)


def _conclude(shared: _Shared, generator: str, config: BytesConfig) -> Comparison:
    reasons: tuple[str, ...]
    if not shared.hashes:
        reasons = ("nothing in common",)
    else:
        reasons = (
            f"{100 * shared.share:.0f} % of one is in the other",
            f"about {shared.bytes} bytes in common, by {shared.hashes} samples",
        )
        if shared.score < shared.share:
            reasons = ("too little in common to be sure", *reasons)
    return Comparison(config.thresholds.decide(shared.score), shared.score, reasons, generator, config.id)
