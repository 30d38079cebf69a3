"""Pairs of views of two pictures: which are near by their hashes, and how similar their content is."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image.align import align
from countermark.fingerprint.image.config import Round
from countermark.fingerprint.image.contrast import LEAST_VIEW_SPREAD, equally_clipped, normalise
from countermark.fingerprint.image.dct64 import HASHED_SIDE, NO_HASH, hamming, hash_without_dc
from countermark.fingerprint.image.detail import detail_similarity, differing_share
from countermark.fingerprint.image.pictures import Pictures
from countermark.fingerprint.image.resample import sample
from countermark.fingerprint.image.ssim import evident_ssim
from countermark.fingerprint.image.views import TARGETS, TEMPLATES, VIEW_MAPS, WHOLE

__all__ = [
    "HASH_BITS",
    "Registered",
    "ViewPairs",
    "holds_a_whole",
    "in_register",
    "nearest_views",
    "view_distances",
]

HASH_BITS: Final = 63

_templates, _targets = np.array(TEMPLATES), np.array(TARGETS)
_ONE_WAY = len(TEMPLATES) * len(TARGETS)
_whole = np.isin(_templates, WHOLE)


def view_distances(
    ours: NDArray[np.uint64], theirs: NDArray[np.uint64], swapped: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return distances in bits, n x pairs: templates of ours by targets of theirs, then the reverse; or `swapped`.

    A view without a hash is far from every view, from another one without a hash, too.
    """
    # Of theirs all bits are 0, of ours 1: 64 bits apart, and about half as many from any hash.
    ours = np.where(ours == NO_HASH, ~np.uint64(NO_HASH), ours)
    forth = hamming(ours[_templates][:, np.newaxis], theirs[:, np.newaxis, _targets]).reshape(len(theirs), -1)
    back = hamming(theirs[:, _templates, np.newaxis], ours[_targets]).reshape(len(theirs), -1)
    joined = np.where(
        swapped[:, np.newaxis], np.concatenate([back, forth], axis=1), np.concatenate([forth, back], axis=1)
    )
    return np.minimum(joined, HASH_BITS, out=joined)


def nearest_views(
    distances: NDArray[np.uint8], rows: NDArray[np.int64], views: int, most_bits: int
) -> NDArray[np.int64]:
    """Return (reference, pair of views) for up to `views` nearest pairs of each of `rows`."""
    order = np.argsort(distances[rows], axis=1, kind="stable")[:, :views]
    near = np.take_along_axis(distances[rows], order, axis=1) <= most_bits
    return np.stack([np.broadcast_to(rows[:, np.newaxis], order.shape)[near], order[near]], axis=1)


def holds_a_whole(pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether the template of each pair of views is a whole picture, upright, turned or mirrored."""
    return np.asarray(_whole[pairs % _ONE_WAY // len(_targets)])


@dataclass(frozen=True)
class ViewPairs:
    """Pairs of views: thumbnails and maps of the templates, and of the targets."""

    templates: NDArray[np.uint8]
    template_maps: NDArray[np.int64]
    targets: NDArray[np.uint8]
    target_maps: NDArray[np.int64]

    @classmethod
    def of(
        cls, ours: Pictures, theirs: Pictures, candidates: NDArray[np.int64], swapped: NDArray[np.bool_]
    ) -> "ViewPairs":
        """Return the views of `candidates`, as `nearest_views` gives them, between ours and theirs."""
        templates, template_maps, targets, target_maps = [], [], [], []
        for row, pair in candidates:
            mine, other = ours.thumbnails[0], theirs.thumbnails[row]
            forth = (pair < _ONE_WAY) != swapped[row]
            template, target = (mine, other) if forth else (other, mine)
            template_view, target_view = divmod(int(pair) % _ONE_WAY, len(_targets))
            templates.append(template)
            template_maps.append(VIEW_MAPS[_templates[template_view]])
            targets.append(target)
            target_maps.append(VIEW_MAPS[_targets[target_view]])
        return cls(np.stack(templates), np.stack(template_maps), np.stack(targets), np.stack(target_maps))


@dataclass(frozen=True)
class Registered:
    """Both views of n pairs in register and of equal contrast, 2n x s x s.

    First come all as they are, then all with as much burnt out of the one as of the other: the better way counts.
    """

    shown: NDArray[np.uint8]
    seen: NDArray[np.uint8]

    @cached_property
    def bits(self) -> NDArray[np.uint8]:
        """The distances of the hashes of each pair, 2 x n."""
        return np.asarray(hamming(hash_without_dc(self.shown), hash_without_dc(self.seen)).reshape(2, -1))

    @cached_property
    def structures(self) -> NDArray[np.float64]:
        """The structural similarities of each pair, 2 x n; those below 0 are 0."""
        return np.maximum(0.0, evident_ssim(self.shown, self.seen)).reshape(2, -1)

    @cached_property
    def details(self) -> NDArray[np.float64]:
        """The similarities of fine detail of each pair, 2 x n."""
        return detail_similarity(self.shown, self.seen).reshape(2, -1)

    def differing(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the share of each of the `chosen` of 2 x n that differs in fine detail; of the others 0."""
        shares = np.zeros(chosen.shape)
        shares[chosen] = differing_share(self.shown[chosen.reshape(-1)], self.seen[chosen.reshape(-1)])
        return shares


def in_register(pairs: ViewPairs, attempt: Round) -> Registered:
    """Return the views of `pairs`, aligned as `attempt` says."""
    maps = align(pairs.templates, pairs.template_maps, pairs.targets, pairs.target_maps, attempt.steps)
    shown = sample(pairs.templates, pairs.template_maps, HASHED_SIDE, 2)
    seen = sample(pairs.targets, maps, HASHED_SIDE, 2)
    first, second = (
        normalise(np.concatenate(both), LEAST_VIEW_SPREAD)
        for both in zip((shown, seen), equally_clipped(shown, seen), strict=True)
    )
    return Registered(first, second)
