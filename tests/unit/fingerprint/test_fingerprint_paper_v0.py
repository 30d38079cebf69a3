import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn
from skimage import data

from countermark.fingerprint import compare, compute
from countermark.fingerprint.image.resample import area_means, grey


def png(pixels: np.ndarray) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    buffer.seek(0)
    return buffer


def fingerprint(pixels: np.ndarray):
    return compute(png(pixels), "image/paper-v0")


CAT, CUP = data.chelsea(), data.coffee()


@pytest.mark.requirement("R60")
def test_three_features_stand_one_after_another():
    made = fingerprint(CAT)
    assert [segment.name for segment in made.segments] == ["histogram", "dct64", "thumbnail"]
    assert len(made.to_bytes()) < 1300


@pytest.mark.requirement("R60")
@pytest.mark.requirement("A-01")
def test_hash_is_the_sign_of_the_low_frequencies_against_their_mean():
    thumbnail = grey(area_means(CAT, 32)).astype(float)
    low = dctn(thumbnail, norm="ortho")[:8, :8]
    expected = np.packbits((low > low.mean()).ravel()).tobytes()
    # The integer transform may differ where a coefficient equals the mean to four digits.
    differing = np.bitwise_count(
        np.frombuffer(expected, np.uint8) ^ np.frombuffer(fingerprint(CAT).segment("dct64"), np.uint8)
    )
    assert differing.sum() <= 1


@pytest.mark.requirement("R61")
@pytest.mark.requirement("A-04")
def test_similarity_is_the_sum_of_three_in_equal_parts():
    outcome = compare(fingerprint(CAT), fingerprint(CUP))
    parts = [float(reason.split()[1]) for reason in outcome.reasons]
    assert [reason.split()[0] for reason in outcome.reasons] == ["histogram", "dct64", "ssim"]
    assert outcome.score == pytest.approx(sum(parts) / 3, abs=1e-3)
    assert outcome.config == "image/paper-v0+1"


def test_equal_pictures_match_and_different_ones_do_not():
    assert compare(fingerprint(CAT), fingerprint(CAT)).score == pytest.approx(1, abs=1e-3)
    assert compare(fingerprint(CAT), fingerprint(CAT)).decision == "match"
    assert compare(fingerprint(CAT), fingerprint(CUP)).decision != "match"


def test_noise_and_a_little_brightness_leave_a_match():
    noisy = np.clip(CAT * 1.05 + np.random.default_rng(0).normal(0, 10, CAT.shape), 0, 255).astype(np.uint8)
    assert compare(fingerprint(CAT), fingerprint(noisy)).decision == "match"
