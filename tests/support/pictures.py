"""Photographs that an installed package ships, and what a thief does to them."""

import io
import random
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageEnhance
from skimage import data

from countermark.fingerprint import Fingerprint, compute

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


@cache
def photo(name: str) -> Image.Image:
    """A photograph of scikit-image."""
    return Image.fromarray(getattr(data, name)())


def fingerprint(image: Image.Image, *, quality: int = 90, generator: str = "image/v1") -> Fingerprint:
    """The fingerprint of a picture saved as JPEG."""
    return compute(io.BytesIO(jpeg(image, quality)), generator)


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def crop(image: Image.Image, share: float) -> Image.Image:
    """The picture without `share` of each side."""
    width, height = image.size
    across, down = round(width * share), round(height * share)
    return image.crop((across, down, width - across, height - down))


def brighten(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def noise(image: Image.Image, sigma: float, seed: int = 1) -> Image.Image:
    rng = np.random.default_rng(seed)
    values = np.asarray(image, dtype=float)
    return Image.fromarray(np.clip(values + rng.normal(0, sigma, values.shape), 0, 255).astype(np.uint8))


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "same": lambda image: image,
    "crop": lambda image: crop(image, 0.03),
    "brightness": lambda image: brighten(image, 1.2),
    "noise": lambda image: noise(image, 10),
    "smaller": lambda image: image.resize((image.width * 3 // 4, image.height * 3 // 4)),
}
"""Light edits (R25, R65)."""


def edited(image: Image.Image, seed: int) -> Image.Image:
    """The picture lightly edited in a way that depends on `seed`."""
    rng = random.Random(seed)
    image = crop(image, rng.uniform(0, 0.03))
    return noise(brighten(image, rng.uniform(0.85, 1.15)), rng.uniform(0, 8), seed)
