"""Pairs of views of two pictures: which are near by their hashes, and how similar their content is."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.image.align import align
from countermark.fingerprint.image.config import Round
from countermark.fingerprint.image.contrast import LEAST_VIEW_SPREAD, equally_clipped, normalise
from countermark.fingerprint.image.dct64 import HASHED_SIDE, NO_HASH, hamming, hash_without_dc
from countermark.fingerprint.image.pictures import Pictures
from countermark.fingerprint.image.resample import sample
from countermark.fingerprint.image.ssim import evident_ssim
from countermark.fingerprint.image.views import TARGETS, TEMPLATES, VIEW_MAPS, WHOLE

__all__ = ["HASH_BITS", "ViewPairs", "holds_a_whole", "nearest_views", "similarities", "view_distances"]

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


def similarities(pairs: ViewPairs, attempt: Round) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return distance in bits and structural similarity of each pair of views, aligned as `attempt` says.

    The better of two ways counts: as the views are, and with as much burnt out of the one as of the other.
    """
    maps = align(pairs.templates, pairs.template_maps, pairs.targets, pairs.target_maps, attempt.steps)
    shown = sample(pairs.templates, pairs.template_maps, HASHED_SIDE, 2)
    seen = sample(pairs.targets, maps, HASHED_SIDE, 2)
    first, second = (
        normalise(np.concatenate(both), LEAST_VIEW_SPREAD)
        for both in zip((shown, seen), equally_clipped(shown, seen), strict=True)
    )
    bits = hamming(hash_without_dc(first), hash_without_dc(second)).reshape(2, -1).min(axis=0)
    return bits, np.maximum(0.0, evident_ssim(first, second)).reshape(2, -1).max(axis=0)
