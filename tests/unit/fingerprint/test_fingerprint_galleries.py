"""Honest listings refused by the size of the gallery: by hand, by trying all galleries, and by another library."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.stats import chi2

from countermark.fingerprint.comparison import Thresholds
from countermark.fingerprint.evaluation import galleries
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.evaluation.measure import confusion
from countermark.fingerprint.evaluation.pairs import Pairs, pairs_of
from countermark.fingerprint.evaluation.scores import Scores
from tests.support.pictures import fingerprint

THRESHOLDS = Thresholds(match=0.9, review=0.7)
ALIKE = {(0, 1), (0, 2), (3, 4)}
DOUBTFUL = {(1, 2), (0, 5), (5, 6)}
PHOTOS = 7


def pairs(scores: list[float]) -> Pairs:
    counted = Scores()
    counted.add(np.array(scores), np.zeros(len(scores), bool))
    none = np.zeros(3, np.int64)
    return Pairs(counted.strangers, max(scores), none, none)


def of_each(related: set[tuple[int, int]]) -> np.ndarray:
    return np.array([sum(photo in pair for pair in related) for photo in range(PHOTOS)])


def test_a_rate_of_one_in_a_hundred_thousand_refuses_most_listings_of_as_large_a_gallery() -> None:
    assert galleries.refused(1e-5, 100_000) == pytest.approx(0.632, abs=0.001)
    assert galleries.refused(0.25, 2) == pytest.approx(1 - 0.75**2)
    assert (galleries.refused(0.0, 10), galleries.refused(1.0, 10)) == (0, 1)


def test_what_was_never_seen_may_have_the_rate_of_three_in_so_many() -> None:
    assert galleries.at_most(0, 326_028) == 3 / 326_028
    assert galleries.at_most(0, 2) == galleries.at_most(5, 5) == 1


@pytest.mark.parametrize("seen", [0, 1, 2, 5, 19, 1000])
def test_the_upper_bound_is_that_of_a_poisson_mean(seen: int) -> None:
    exact = chi2.ppf(0.95, 2 * (seen + 1)) / 2 / 1e6
    assert galleries.at_most(seen, 1_000_000) == pytest.approx(exact, rel=0.005)


@pytest.mark.requirement("A-45")
def test_shares_are_expected_from_the_rates_at_both_thresholds() -> None:
    found = galleries.expected(pairs([0.9, 0.8, 0.7, *[0.1] * 9_997]), THRESHOLDS)[0]
    assert (found.gallery, found.refused) == (1_000, pytest.approx(1 - (1 - 1e-4) ** 1_000))
    assert found.stopped == pytest.approx(1 - (1 - 3e-4) ** 1_000)
    assert found.refused_at_most == pytest.approx(galleries.refused(galleries.at_most(1, 10_000), 1_000))
    none = galleries.expected(pairs([0.1] * 10_000), THRESHOLDS)[0]
    assert (none.refused, none.stopped) == (0, 0)
    assert none.refused_at_most == none.stopped_at_most == pytest.approx(1 - (1 - 3e-4) ** 1_000)


def test_a_higher_threshold_refuses_no_more() -> None:
    curve = galleries.expected_by_threshold(pairs([0.9, 0.8, 0.7, *[0.1] * 997]), 1_000)
    assert (curve[0][0], curve[-1][0]) == (0, 1)
    for (_, share, most), (_, next_share, next_most) in pairwise(curve):
        assert share >= next_share
        assert most >= next_most
    assert all(share <= most for _, share, most in curve)


@pytest.mark.requirement("A-45")
@pytest.mark.parametrize("size", [1, 2, 4, 6])
def test_the_mean_over_all_galleries_is_that_of_trying_each(size: int) -> None:
    refused = stopped = tried = 0
    for photo in range(PHOTOS):
        for gallery in combinations([other for other in range(PHOTOS) if other != photo], size):
            met = {(min(photo, other), max(photo, other)) for other in gallery}
            tried += 1
            refused += bool(met & ALIKE)
            stopped += bool(met & (ALIKE | DOUBTFUL))
    whole = Pairs(Scores().strangers, 0.0, of_each(ALIKE), of_each(DOUBTFUL))
    found = galleries.measured(whole, [size])[0]
    assert (found.gallery, found.refused) == (size, pytest.approx(refused / tried))
    assert found.reviewed == pytest.approx((stopped - refused) / tried)


def test_galleries_are_no_larger_than_what_was_photographed() -> None:
    whole = Pairs(Scores().strangers, 0.0, of_each(ALIKE), of_each(DOUBTFUL))
    assert [one.gallery for one in galleries.measured(whole, [2, 6, 50])] == [2, 6]


def test_pairs_are_counted_once_and_listings_by_their_worst() -> None:
    first, second, third = (fingerprint(scene(np.random.default_rng(seed))) for seed in range(3))
    found = pairs_of([first, second, first, third])
    counts = confusion(found)
    assert (found.matching.tolist(), found.count, found.highest) == ([1, 0, 1, 0], 6, 1.0)
    assert (counts.pairs, counts.matching, counts.listings, counts.refused) == (6, 1, 4, 2)
    assert galleries.measured(found)[-1].refused == 0.5
