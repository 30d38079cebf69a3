"""Where two texts share no more than some passages: a notice, an address, a quotation, what a form has printed on it.

An edited copy shares shingles with its original all over, however few are left; and one that is a part of it, or
hides it in others' text, shares most of the smaller text, or long passages.
"""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from countermark.fingerprint.text import PLACES
from countermark.fingerprint.text.config import PassageRule
from countermark.fingerprint.text.placed import Places

__all__ = ["passages_only"]


def passages_only(places: Places, shared: Places, unit: int, rule: PassageRule) -> bool:
    """Return whether what a text shares with another lies in few short passages, and hardly any of it elsewhere.

    Args:
        places: Where the text's shingles stand, as far as they are in the sample.
        shared: Where those stand that the other text has, too.
        unit: How many shingles each in the sample stands for.
        rule: What few, short and hardly any are.
    """
    whole = np.bincount(places, minlength=PLACES).tolist()
    common = np.bincount(shared, minlength=PLACES).tolist()
    for _ in range(rule.most):
        # A passage is where more than half is shared.
        start, end = _largest([2 * both - all_ for both, all_ in zip(common, whole, strict=True)])
        whole[start:end], common[start:end] = [], []
    in_passages = len(shared) - sum(common)
    return bool(
        sum(common) < rule.elsewhere * sum(whole)
        and in_passages * unit < rule.shingles
        and in_passages < rule.share * len(places)
    )


def _largest(gains: Sequence[int]) -> tuple[int, int]:
    """Return start and end of the slice of `gains` whose sum is largest; an empty one where none is positive."""
    best = start = end = 0
    low, low_at = 0, 0
    for at, total in enumerate(accumulate(gains), start=1):
        if total - low > best:
            best, start, end = total - low, low_at, at
        if total < low:
            low, low_at = total, at
    return start, end
