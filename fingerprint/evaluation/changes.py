"""Changes of a picture of which edits and attacks are made. Pillow's own resampling is used: a pirate does, too."""

import io

import numpy as np
from PIL import Image, ImageOps

__all__ = ["Random", "bordered", "cropped", "encoded", "noisy", "scaled", "scaled_size", "turned", "with_gamma"]

Random = np.random.Generator


def encoded(image: Image.Image, form: str = "JPEG", quality: int = 90) -> bytes:
    """Return the file of ``image``."""
    buffer = io.BytesIO()
    image.save(buffer, form, quality=quality)
    return buffer.getvalue()


def cropped(image: Image.Image, left: float, upper: float, right: float, lower: float) -> Image.Image:
    """Return ``image`` without these shares of its sides."""
    w, h = image.size
    return image.crop((round(left * w), round(upper * h), round(w - right * w), round(h - lower * h)))


def noisy(image: Image.Image, random: Random, sigma: float) -> Image.Image:
    """Return ``image`` with Gaussian noise of so many levels in each channel."""
    pixels = np.asarray(image).astype(float)
    return Image.fromarray(np.clip(pixels + random.normal(0, sigma, pixels.shape), 0, 255).astype(np.uint8))


def with_gamma(image: Image.Image, power: float) -> Image.Image:
    """Return ``image`` with each level raised to ``power``."""
    return image.point([round(255 * (level / 255) ** power) for level in range(256)] * 3)


def scaled_size(image: Image.Image, factor: float) -> tuple[int, int]:
    """Return the size of ``image`` times ``factor``, a pixel at least."""
    return max(1, round(image.width * factor)), max(1, round(image.height * factor))


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """Return ``image`` with sides ``factor`` times as long."""
    return image.resize(scaled_size(image, factor))


def turned(image: Image.Image, degrees: float, trim: float = 0.0) -> Image.Image:
    """Return ``image`` turned; black corners stay, or the share ``trim`` of each side is cut away with them."""
    return cropped(image.rotate(degrees, Image.Resampling.BICUBIC), trim, trim, trim, trim)


def bordered(image: Image.Image, share: float) -> Image.Image:
    """Return ``image`` in a white border, ``share`` of its shorter side wide."""
    return ImageOps.expand(image, round(share * min(image.size)), "white")
