"""How many honest listings a gate refuses that compares each with a gallery of so many registered pictures.

A rate per pair that looks small refuses many once the gallery is large: of listings compared with n others, the share
1 - (1 - p)^n, if pairs were independent. They are not, so what was measured on galleries that could be tried stands
beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.comparison import Thresholds
from countermark.fingerprint.evaluation.pairs import Pairs
from countermark.fingerprint.evaluation.scores import STEP, reaching

__all__ = ["LARGE", "Expected", "Measured", "at_most", "expected", "expected_by_threshold", "measured", "refused"]

LARGE: Final = (1_000, 10_000, 100_000, 1_000_000)
_SMALL: Final = (50, 100, 200, 400)
_SAMPLED: Final = 20
"""Every so many thresholds make a point of a curve."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Shares of honest listings, 0 to 1, that rates per pair would come to; each with its upper 95 % bound.

    Attributes:
        gallery: Registered pictures.
        refused: Listings that match one of them.
        refused_at_most: The bound.
        stopped: Listings that match one or are to be reviewed because of one.
        stopped_at_most: The bound.
    """

    gallery: int
    refused: float
    refused_at_most: float
    stopped: float
    stopped_at_most: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Mean shares of the photographs, 0 to 1, over all galleries of `gallery` of the others.

    Attributes:
        gallery: Photographs in a gallery.
        refused: Those that match one of it.
        reviewed: Those of the rest that are to be reviewed because of one.
    """

    gallery: int
    refused: float
    reviewed: float


def expected(pairs: Pairs, thresholds: Thresholds) -> list[Expected]:
    """Return what the scores of `pairs` come to in each gallery of `LARGE`, at the generator's `thresholds`."""
    wrong, count = reaching(pairs.scores), pairs.count
    matching, stopped = (int(wrong[round(one / STEP)]) for one in (thresholds.match, thresholds.review))
    return [
        Expected(
            gallery,
            refused(matching / count, gallery),
            refused(at_most(matching, count), gallery),
            refused(stopped / count, gallery),
            refused(at_most(stopped, count), gallery),
        )
        for gallery in LARGE
    ]


def expected_by_threshold(pairs: Pairs, gallery: int) -> list[tuple[float, float, float]]:
    """Return threshold, share refused and its upper 95 % bound, for thresholds from 0 to 1 and so large a gallery."""
    wrong = reaching(pairs.scores)[::_SAMPLED]
    return [
        (
            index * _SAMPLED * STEP,
            refused(int(seen) / pairs.count, gallery),
            refused(at_most(int(seen), pairs.count), gallery),
        )
        for index, seen in enumerate(wrong)
    ]


def refused(per_pair: float, gallery: int) -> float:
    """Return the share of listings that one of `gallery` pictures is taken for, at the rate `per_pair` of each."""
    return float(-np.expm1(gallery * np.log1p(-per_pair))) if per_pair < 1 else 1.0


def at_most(seen: int, pairs: int) -> float:
    """Return the upper 95 % bound of a rate of which `seen` cases were seen in so many independent `pairs`.

    The rule of three where none was; otherwise Byar's approximation of the bound of a Poisson mean.
    """
    if not seen:
        return min(1.0, 3 / pairs)
    more = seen + 1
    return float(min(1.0, more * (1 - 1 / (9 * more) + 1.645 / (3 * more**0.5)) ** 3 / pairs))


def measured(pairs: Pairs, sizes: Sequence[int] = _SMALL) -> list[Measured]:
    """Return the mean shares in galleries of `sizes`, as far as there are so many, and of all other photographs.

    The mean over all galleries of a size is computed, not sampled: a photograph with m matches among the others is
    refused by all but those galleries that lack each of the m.
    """
    others = len(pairs.matching) - 1
    found = []
    for gallery in (*(size for size in sizes if size < others), others):
        matched = _share_with_one(pairs.matching, others, gallery)
        stopped = _share_with_one(pairs.matching + pairs.reviewed, others, gallery)
        found.append(Measured(gallery, matched, stopped - matched))
    return found


def _share_with_one(counts: NDArray[np.int64], others: int, gallery: int) -> float:
    return float(np.mean([1 - _lacking(int(one), others, gallery) for one in counts]))


def _lacking(count: int, others: int, gallery: int) -> float:
    """Return the share of galleries of so many of `others` that hold none of `count` of them."""
    return prod(max(0, others - gallery - index) / (others - index) for index in range(count))
