"""Pictures of the conformance vectors."""

import io

import numpy as np
from PIL import Image


def draw(width: int, height: int, seed: int, bodies: int = 6) -> np.ndarray:
    """Return a smooth picture with edges: sums of integer waves and some rectangles, the more the smaller."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = []
    for _ in range(3):
        a, b, c = random.integers(1, 9, 3)
        planes.append((a * x * 256 // width + b * y * 256 // height + c * x * y * 64 // (width * height)) // 4 % 256)
    pixels = np.stack(planes, axis=2)
    for _ in range(bodies):
        left, upper = random.integers(0, width // 2), random.integers(0, height // 2)
        if bodies > 6:
            left, upper = random.integers(0, width), random.integers(0, height)
        pixels[upper : upper + height * 3 // (2 * bodies), left : left + width * 6 // (5 * bodies)] = random.integers(
            0, 256, 3
        )
    return pixels.astype(np.uint8)


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def pictures() -> dict[str, bytes]:
    """Return a picture for every decode rule."""
    small = Image.fromarray(draw(60, 44, 1))
    rgba = Image.fromarray(np.dstack([draw(48, 64, 2), draw(48, 64, 3)[:, :, 0]]), "RGBA")
    wide = Image.fromarray(draw(40, 40, 4)[:, :, 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.fromarray(draw(40, 30, seed)).quantize(32) for seed in (5, 6)]
    return {
        "PNG": _saved(small, "PNG"),
        "PNG, transparent": _saved(rgba, "PNG"),
        "PNG, 16 bits of grey": _saved(wide, "PNG"),
        "PNG, palette": _saved(small.quantize(16), "PNG"),
        "JPEG, turned by EXIF": _saved(small, "JPEG", quality=80, exif=exif),
        "JPEG, reduced while decoding": _saved(Image.fromarray(draw(1000, 700, 7)), "JPEG", quality=25),
        "JPEG, grey": _saved(small.convert("L"), "JPEG", quality=60),
        "JPEG, CMYK": _saved(small.convert("CMYK"), "JPEG", quality=60),
        "GIF, two frames": _saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "WebP": _saved(small, "WEBP", quality=60),
        "BMP": _saved(Image.fromarray(draw(24, 20, 8)), "BMP"),
        "JPEG, with corners": _saved(Image.fromarray(draw(640, 480, 9, bodies=60)), "JPEG", quality=60),
        "PNG, tall": _saved(Image.fromarray(draw(90, 420, 10, bodies=30)), "PNG"),
        "TIFF, turned by its tag": _saved(small, "TIFF", compression="tiff_lzw", tiffinfo={0x0112: 8}),
        "PNG, one pixel": _saved(small.crop((0, 0, 1, 1)), "PNG"),
        "PNG, one colour": _saved(Image.new("RGB", (30, 20), (200, 30, 90)), "PNG"),
    }
