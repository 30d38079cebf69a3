import numpy as np
import pytest

from countermark.fingerprint.image.content import GRID_SIDE, content_of
from countermark.fingerprint.image.resample import area_means

RANDOM = np.random.default_rng(3)
TEXTURE = RANDOM.integers(0, 256, (90, 120, 3), dtype=np.uint8)


def found(pixels: np.ndarray) -> np.ndarray | None:
    return content_of(pixels, area_means(pixels, GRID_SIDE))


def on_ground(level: int, upper: int, left: int, shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    pixels = np.full((*shape, 3), level, np.uint8)
    pixels[upper : upper + 90, left : left + 120] = TEXTURE
    return pixels


@pytest.mark.parametrize("level", [0, 90, 255])
@pytest.mark.parametrize(("upper", "left"), [(0, 0), (105, 140), (210, 280), (3, 250)])
def test_content_is_what_lies_within_the_margins_to_a_cell(level, upper, left):
    content = found(on_ground(level, upper, left))
    assert content is not None
    height, width = content.shape[:2]
    assert 90 - 3 <= height <= 90 + 6
    assert 120 - 4 <= width <= 120 + 8


def test_margins_within_margins_are_taken_off():
    framed = np.zeros((500, 500, 3), np.uint8)
    framed[80:380, 50:450] = on_ground(255, 105, 140)
    content = found(framed)
    assert content is not None
    assert content.shape[0] <= 98
    assert content.shape[1] <= 130


def test_noise_of_the_margins_is_no_content():
    noisy = np.clip(on_ground(200, 100, 100) + RANDOM.normal(0, 5, (300, 400, 3)), 0, 255).astype(np.uint8)
    content = found(noisy)
    assert content is not None
    assert content.shape[0] <= 98


@pytest.mark.parametrize("share", [0.95, 1.0])
def test_pictures_with_hardly_any_margin_have_no_content_of_their_own(share):
    pixels = np.full((200, 200, 3), 255, np.uint8)
    side = round(200 * share)
    pixels[:side, :side] = RANDOM.integers(0, 256, (side, side, 3))
    assert found(pixels) is None


def test_plain_pictures_and_gradients_have_no_content():
    assert found(np.full((50, 70, 3), 40, np.uint8)) is None
    ramp = np.repeat(np.linspace(0, 255, 200).astype(np.uint8)[:, np.newaxis, np.newaxis], 3, axis=2)
    assert found(np.repeat(ramp, 150, axis=1)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_content_of_the_smallest_pictures_is_looked_for_without_harm(shape):
    for _ in range(20):
        content = found(RANDOM.integers(0, 2, (*shape, 3), dtype=np.uint8) * np.uint8(255))
        assert content is None or content.size
