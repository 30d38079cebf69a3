from fractions import Fraction

import numpy as np
import pytest
from scipy.fft import dctn
from skimage.metrics import structural_similarity

from countermark.fingerprint.image import THUMBNAIL_SIDE
from countermark.fingerprint.image.align import align
from countermark.fingerprint.image.contrast import equally_clipped, normalise
from countermark.fingerprint.image.dct64 import (
    HASHED_SIDE,
    NO_HASH,
    hamming,
    hash_with_mean,
    hash_without_dc,
    low_frequencies,
)
from countermark.fingerprint.image.histogram import colour_histogram, foreground_similarity, histogram_similarity
from countermark.fingerprint.image.plain import colour_levels
from countermark.fingerprint.image.resample import UNIT, Affine, area_means, grey, sample
from countermark.fingerprint.image.ssim import evident_ssim, ssim, textured
from countermark.fingerprint.image.view_pairs import HASH_BITS, holds_a_whole, view_distances
from countermark.fingerprint.image.views import TARGETS, TEMPLATES, VIEW_MAPS, VIEWS, WHOLE, View, hashed_views

RANDOM = np.random.default_rng(11)
VIEW_PAIRS = RANDOM.integers(0, 256, (5, 32, 32))


def smooth(size: int, seed: int = 0) -> np.ndarray:
    """A picture of a few waves, so that neighbouring pixels resemble each other."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size * 2 * np.pi
    waves = sum(
        np.sin(random.uniform(-3, 3) * x + random.uniform(-3, 3) * y + random.uniform(0, 6)) for _ in range(6)
    )
    return np.clip(128 + 30 * waves, 0, 255).astype(np.uint8)


def exact_area_mean(pixels, side, i, j):
    height, width = pixels.shape
    total = Fraction(0)
    for y in range(height):
        over_y = min(Fraction((i + 1) * height, side), y + 1) - max(Fraction(i * height, side), y)
        for x in range(width):
            over_x = min(Fraction((j + 1) * width, side), x + 1) - max(Fraction(j * width, side), x)
            if over_x > 0 and over_y > 0:
                total += over_x * over_y * int(pixels[y, x])
    return total * side * side / (height * width)


@pytest.mark.parametrize("shape", [(7, 11), (3, 2), (1, 1), (16, 5), (5, 5)])
def test_area_means_are_the_exact_means_rounded(shape):
    pixels = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    means = area_means(pixels[:, :, np.newaxis], 5, 8)[:, :, 0]
    for i in range(5):
        for j in range(5):
            assert abs(means[i, j] - 256 * exact_area_mean(pixels, 5, i, j)) <= Fraction(1, 2)


def test_grey_weighs_colours_as_television_does():
    assert grey(np.array([[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]])).tolist() == [255, 76, 150, 29]


def test_sampling_by_the_identity_at_full_size_gives_the_image():
    images = RANDOM.integers(0, 256, (3, 16, 16))
    maps = np.array([Affine().rows()] * 3)
    assert (sample(images, maps, 16) == images).all()


def test_sampling_mirrored_and_turned_permutes_pixels():
    image = RANDOM.integers(0, 256, (1, 16, 16))
    for view, expected in [
        (View(mirrored=True), image[:, :, ::-1]),
        (View(quarters=2), image[:, ::-1, ::-1]),
        (View(quarters=1), np.rot90(image, -1, axes=(1, 2))),
    ]:
        seen = sample(image, np.array([view.map().rows()]), 16)
        assert (seen == expected).all() or (seen == np.rot90(expected, 2, axes=(1, 2))).all()


def test_sampling_a_corner_gives_the_corner_and_beyond_the_border_its_pixels():
    image = np.arange(64, dtype=np.uint8).reshape(1, 8, 8)
    corner = Affine(UNIT // 2, 0, -UNIT // 2, 0, UNIT // 2, -UNIT // 2)
    assert (sample(image, np.array([corner.rows()]), 4) == image[:, :4, :4]).all()
    outside = Affine(UNIT, 0, 8 * UNIT, 0, UNIT, 0)
    assert (sample(image, np.array([outside.rows()]), 8) == image[:, :, 7:]).all()


def test_reflections_of_the_square_are_eight_different_ones():
    reflections = [index for index, view in enumerate(VIEWS) if view.quarters or view.mirrored]
    assert len(reflections) == 7
    assert not set(reflections) & set(TARGETS)
    assert set(reflections) <= set(TEMPLATES)
    assert len({VIEW_MAPS[index].tobytes() for index in (0, *reflections)}) == 8


def test_views_lie_within_the_image():
    for view, rows in zip(VIEWS, VIEW_MAPS, strict=True):
        corners = np.abs(rows[:, :2]).sum(axis=1) + np.abs(rows[:, 2])
        assert (corners <= UNIT + 64).all(), view


def test_hashed_views_are_those_that_sampling_gives():
    thumbnail = RANDOM.integers(0, 256, (THUMBNAIL_SIDE, THUMBNAIL_SIDE)).astype(np.uint8)
    sampled = sample(np.broadcast_to(thumbnail, (len(VIEWS), *thumbnail.shape)), VIEW_MAPS, HASHED_SIDE, 2)
    # Borders of a part are rounded a little differently.
    assert np.abs(hashed_views(thumbnail) - sampled).max() <= 1


def test_low_frequencies_are_those_of_the_orthonormal_transform():
    theirs = np.array([dctn(view, norm="ortho")[:8, :8].ravel() for view in VIEW_PAIRS.astype(float)])
    ours = low_frequencies(VIEW_PAIRS) / 2**28 / 16
    assert np.abs(ours - theirs).max() < 0.2


@pytest.mark.requirement("A-01")
def test_hash_with_mean_compares_with_the_mean_of_all_64():
    coefficients = low_frequencies(VIEW_PAIRS)
    expected = np.packbits(coefficients > coefficients.mean(axis=1, keepdims=True), axis=1).tobytes()
    assert hash_with_mean(VIEW_PAIRS).astype(">u8").tobytes() == expected


@pytest.mark.requirement("A-01")
def test_hash_without_dc_ignores_brightness_and_is_balanced():
    hashes = hash_without_dc(VIEW_PAIRS // 2)
    assert (hash_without_dc(VIEW_PAIRS // 2 + 100) == hashes).all()
    assert (np.bitwise_count(hashes) == 31).all()
    assert not (hashes >> np.uint64(63)).any()


def test_hamming_counts_bits():
    assert hamming(np.array([0b1011], np.uint64), np.array([0b0110], np.uint64)).tolist() == [3]


def test_ssim_is_that_of_the_literature():
    first, second = VIEW_PAIRS, np.clip(VIEW_PAIRS + RANDOM.integers(-40, 41, VIEW_PAIRS.shape), 0, 255)
    for ours, a, b in zip(ssim(first, second), first, second, strict=True):
        theirs = structural_similarity(
            a.astype(np.uint8), b.astype(np.uint8), win_size=7, data_range=255, use_sample_covariance=False
        )
        assert ours == pytest.approx(theirs, abs=2e-5)
    assert ssim(first, first) == pytest.approx(1, abs=1e-6)


def test_windows_blank_on_both_sides_are_no_evidence():
    one, other = np.full((1, 32, 32), 200), np.full((1, 32, 32), 200)
    one[0, 12:20, 12:20], other[0, 12:20, 12:20] = RANDOM.integers(0, 256, (2, 8, 8))
    assert ssim(one, other) > 0.6
    assert evident_ssim(one, other) < 0.55
    assert evident_ssim(one, one) == pytest.approx(1, abs=1e-6)


def test_images_with_hardly_any_texture_are_no_evidence_even_for_themselves():
    flat = np.full((1, 32, 32), 200)
    assert evident_ssim(flat, flat) == 0
    flat[0, 0, 0] = 255
    assert evident_ssim(flat, flat) < 0.1


def test_evident_similarity_of_images_full_of_texture_is_that_of_the_literature():
    other = np.clip(VIEW_PAIRS + RANDOM.integers(-40, 41, VIEW_PAIRS.shape), 0, 255)
    assert evident_ssim(VIEW_PAIRS, other) == pytest.approx(ssim(VIEW_PAIRS, other), abs=1e-6)


def test_photographs_have_texture_and_plain_areas_gradients_and_specks_have_not():
    y, x = np.mgrid[:32, :32]
    speck = np.full((32, 32), 255)
    speck[3:6, 3:6] = 0
    for blank in (np.full((32, 32), 7), x, y, x + y, 3 * x - y, speck):
        assert not textured(normalise(blank[np.newaxis], 1)).any()
    assert textured(VIEW_PAIRS).all()
    assert textured(normalise(smooth(32, 6)[np.newaxis], 1)).all()


def test_views_without_a_hash_are_near_to_nothing():
    hashes = np.full(len(VIEWS), NO_HASH, np.uint64)
    some = np.broadcast_to(hash_without_dc(VIEW_PAIRS[:1]), len(VIEWS))
    for ours, theirs, least in ((hashes, hashes, HASH_BITS), (hashes, some, 30), (some, hashes, 30), (some, some, 0)):
        for swapped in (False, True):
            distances = view_distances(ours, theirs[np.newaxis], np.array([swapped]))
            assert least <= distances.min() <= distances.max() <= HASH_BITS


def test_pairs_of_views_hold_a_whole_where_the_template_is_one():
    held = holds_a_whole(np.arange(2 * len(TEMPLATES) * len(TARGETS))).reshape(2, len(TEMPLATES), len(TARGETS))
    for index, view in enumerate(TEMPLATES):
        assert (held[:, index] == (view in WHOLE)).all()


def test_levels_are_mean_and_spread_of_each_colour():
    colours = np.array([[[10, 200, 0], [30, 200, 255]]])
    assert list(colour_levels(colours)) == [20, 200, 128, 10, 0, 127]


def test_foreground_leaves_out_the_colour_that_both_share_most_of():
    one, other = np.array([[80, 20, 0]]), np.array([[80, 0, 20]])
    assert histogram_similarity(one, other) == pytest.approx(0.8)
    assert foreground_similarity(one, other) == 0
    assert foreground_similarity(one, one) == 1
    assert foreground_similarity(one * 0, one * 0) == 0


def test_histogram_counts_shares_of_64_bins():
    red, white = [255, 0, 0], [255, 255, 255]
    shares = np.frombuffer(colour_histogram(np.array([[red, red], [red, white]], np.uint8)), ">u2")
    assert shares[48] == 65535 * 3 // 4
    assert shares[63] == 65535 // 4
    assert shares.sum() == pytest.approx(65535, abs=64)


def test_histogram_similarity_is_the_shared_part():
    one, other = np.array([[40, 60, 0]]), np.array([[0, 60, 40]])
    assert histogram_similarity(one, other) == pytest.approx(0.6)
    assert histogram_similarity(one, one) == 1
    assert histogram_similarity(one * 0, one * 0) == 0


def test_contrast_normalisation_sets_mean_and_spread_and_ignores_both_before():
    image = smooth(56)[np.newaxis].astype(np.int64)
    normal = normalise(image, 1)
    assert normal.mean() == pytest.approx(128, abs=1)
    assert normal.std() == pytest.approx(48, abs=1.5)
    assert np.abs(normalise(image * 3 + 500, 1).astype(int) - normal).max() <= 1


def test_contrast_normalisation_does_not_blow_up_the_noise_of_a_flat_image():
    flat = np.full((1, 56, 56), 77) + (np.arange(56 * 56).reshape(1, 56, 56) % 97 == 0)
    assert normalise(flat, 1).std() < 12
    assert (normalise(flat * 0, 1) == 128).all()


def test_views_lose_as_many_light_and_dark_pixels_as_each_other():
    light = smooth(32, 6)[np.newaxis].astype(np.int64)
    for burnt in (np.minimum(light * 2, 255), np.maximum(light - 110, 0)):
        assert (ssim(*(normalise(view, 1) for view in (light, burnt))) < 0.95).all()
        assert (ssim(*(normalise(view, 1) for view in equally_clipped(light, burnt))) > 0.98).all()


def test_clipping_leaves_views_of_full_range_nearly_alone_and_survives_flat_ones():
    one, other = VIEW_PAIRS[:1] * 100, VIEW_PAIRS[1:2] * 100
    clipped = equally_clipped(one, other)
    assert (clipped[0] != one).sum() + (clipped[1] != other).sum() <= 40
    flat = np.full((1, 32, 32), 7)
    assert (equally_clipped(flat, one)[0] == 7).all()


@pytest.mark.parametrize(
    "true", [(0.93, 0.02, 0.04, -0.02, 0.95, -0.03), (1.05, 0.0, 0.05, 0.0, 1.04, 0.05), (1, 0, 0, 0, 1, 0)]
)
def test_alignment_finds_a_small_affine_map(true):
    target = smooth(56, 4)[np.newaxis]
    xx, xy, dx, yx, yy, dy = (round(value * UNIT) for value in true)
    scene = np.array([Affine(xx, xy, dx, yx, yy, dy).rows()])
    template = sample(target, scene, 56).astype(np.uint8)
    whole = np.array([Affine().rows()])
    found = align(template, whole, target, whole, ((16, 4), (32, 4)))
    assert np.abs(found - scene).max() < 0.02 * UNIT
    assert (align(template, whole, target, whole, ()) == whole).all()


def test_alignment_of_unrelated_or_flat_images_stays_near_where_it_began():
    whole = np.array([Affine().rows()] * 3)
    templates = np.stack([smooth(56, 1), np.full((56, 56), 9, np.uint8), smooth(56, 2)])
    targets = np.stack(
        [RANDOM.integers(0, 256, (56, 56), dtype=np.uint8), smooth(56, 3), np.zeros((56, 56), np.uint8)]
    )
    found = align(templates, whole, targets, whole, ((16, 4), (32, 4)))
    assert np.abs(found - whole).max() <= 0.25 * UNIT + 1
