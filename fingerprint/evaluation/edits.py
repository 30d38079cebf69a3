"""Edits of a photograph that leave its content: what a pirate would do before selling it again.

Each edit takes an RGB picture and a source of random numbers and gives the bytes of a file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from countermark.fingerprint.evaluation.changes import (
    Random,
    bordered,
    cropped,
    encoded,
    noisy,
    scaled,
    turned,
    with_gamma,
)

__all__ = ["EDITS", "LIGHT_EDITS", "PAPER_STRENGTHS", "Edit", "Strength", "paper_copy"]

Edit = Callable[[Image.Image, Random], bytes]


@dataclass(frozen=True, slots=True)
class Strength:
    """How far a copy of the paper's goes, at most.

    Attributes:
        crop: Share cut off at each side.
        noise: Standard deviation in levels of 256.
        brightness: Share by which it changes, up or down.
    """

    crop: float
    noise: float
    brightness: float


PAPER_STRENGTHS: Final = {
    "mild": Strength(0.03, 10, 0.20),
    "medium": Strength(0.06, 20, 0.35),
    "strong": Strength(0.12, 30, 0.50),
}
"""Our reading of the paper, which names the three edits and no strengths."""


def _saved(change: Callable[[Image.Image, Random], Image.Image]) -> Edit:
    return lambda image, random: encoded(change(image, random))


def _compressed(form: str, quality: int) -> Edit:
    return lambda image, _: encoded(image, form, quality)


def _crop(left: float, upper: float, right: float, lower: float) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, _: cropped(image, left, upper, right, lower)


def _random_crop(most: float) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, random: cropped(image, *random.uniform(0, most, 4))


def _noise(sigma: float) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, random: noisy(image, random, sigma)


def _brightness(factor: float) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, _: ImageEnhance.Brightness(image).enhance(factor)


def _gamma(power: float) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, _: with_gamma(image, power)


def _scaled(factor: float) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, _: scaled(image, factor)


def _turned(degrees: float, trim: float = 0.0) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, _: turned(image, degrees, trim)


def _transposed(method: Image.Transpose) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, _: image.transpose(method)


def _bordered(share: float) -> Callable[[Image.Image, Random], Image.Image]:
    return lambda image, _: bordered(image, share)


def _letterboxed(image: Image.Image, _: Random) -> Image.Image:
    return ImageOps.expand(image, (0, round(0.12 * image.height)), "black")


def _captioned(image: Image.Image, _: Random) -> Image.Image:
    marked = image.copy()
    w, h = image.size
    ImageDraw.Draw(marked).rectangle((0.1 * w, 0.82 * h, 0.5 * w, 0.9 * h), fill="white")
    ImageDraw.Draw(marked).text((0.12 * w, 0.83 * h), "FOR SALE", fill="black")
    return marked


def _mirrored_crop(image: Image.Image, _: Random) -> Image.Image:
    return cropped(ImageOps.mirror(image), 0.06, 0.06, 0.06, 0.06)


def _all_at_once(image: Image.Image, random: Random) -> Image.Image:
    return _noise(10)(_brightness(1.2)(_random_crop(0.08)(image, random), random), random)


EDITS: Final[dict[str, Edit]] = {
    "copy": _compressed("PNG", 90),
    "jpeg_q30": _compressed("JPEG", 30),
    "jpeg_q10": _compressed("JPEG", 10),
    "webp_q30": _compressed("WEBP", 30),
    "noise_10": _saved(_noise(10)),
    "noise_20": _saved(_noise(20)),
    "noise_30": _saved(_noise(30)),
    "brighter_30": _saved(_brightness(1.3)),
    "darker_30": _saved(_brightness(0.7)),
    "darker_60": _saved(_brightness(0.4)),
    "gamma_2": _saved(_gamma(2.0)),
    "gamma_half": _saved(_gamma(0.5)),
    "grey": _saved(lambda image, _: image.convert("L").convert("RGB")),
    "colour_0.4": _saved(lambda image, _: ImageEnhance.Color(image).enhance(0.4)),
    "contrast_0.6": _saved(lambda image, _: ImageEnhance.Contrast(image).enhance(0.6)),
    "blur_2": _saved(lambda image, _: image.filter(ImageFilter.GaussianBlur(2))),
    "half_size": _saved(_scaled(0.5)),
    "double_size": _saved(_scaled(2.0)),
    "squeezed": _saved(lambda image, _: image.resize((round(image.width * 0.75), image.height))),
    "crop_5": _saved(_crop(0.05, 0.05, 0.05, 0.05)),
    "crop_10": _saved(_crop(0.10, 0.10, 0.10, 0.10)),
    "crop_left_10": _saved(_crop(0.10, 0, 0, 0)),
    "crop_corner_10": _saved(_crop(0, 0.10, 0.10, 0)),
    "crop_random_10": _saved(_random_crop(0.10)),
    "crop_15": _saved(_crop(0.15, 0.15, 0.15, 0.15)),
    "crop_20": _saved(_crop(0.20, 0.20, 0.20, 0.20)),
    "turn_2_filled": _saved(_turned(2)),
    "turn_5_filled": _saved(_turned(5)),
    "turn_3_cut": _saved(_turned(-3, 0.05)),
    "turn_5_cut": _saved(_turned(5, 0.08)),
    "mirrored": _saved(lambda image, _: ImageOps.mirror(image)),
    "mirrored_crop": _saved(_mirrored_crop),
    "upside_down": _saved(_transposed(Image.Transpose.ROTATE_180)),
    "turn_90": _saved(_transposed(Image.Transpose.ROTATE_90)),
    "turn_270": _saved(_transposed(Image.Transpose.ROTATE_270)),
    "border_5": _saved(_bordered(0.05)),
    "border_10": _saved(_bordered(0.10)),
    "letterbox": _saved(_letterboxed),
    "caption": _saved(_captioned),
    "crop_noise_brightness": _saved(_all_at_once),
}
"""Single edits by name; percentages of crops and borders are per side."""

LIGHT_EDITS: Final[dict[str, Edit]] = {
    "jpeg_q80": _compressed("JPEG", 80),
    "jpeg_q30": EDITS["jpeg_q30"],
    "half_size": EDITS["half_size"],
    "larger_by_half": _saved(_scaled(1.5)),
    "noise_10": EDITS["noise_10"],
    "brighter_20": _saved(_brightness(1.2)),
    "darker_20": _saved(_brightness(0.8)),
    "crop_2": _saved(_crop(0.02, 0.02, 0.02, 0.02)),
    "crop_5": EDITS["crop_5"],
    "crop_random_5": _saved(_random_crop(0.05)),
}
"""What happens to a picture that is merely passed on, and a little more: for pictures with little content."""


def paper_copy(image: Image.Image, random: Random, strength: Strength) -> bytes:
    """Return a copy as in section IV.C of the paper: random crop, noise and brightness up to `strength`."""
    edited = _random_crop(strength.crop)(image, random)
    edited = _brightness(1 + random.uniform(-strength.brightness, strength.brightness))(edited, random)
    return encoded(noisy(edited, random, random.uniform(0, strength.noise)))
