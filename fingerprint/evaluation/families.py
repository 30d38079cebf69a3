"""Pictures that differ and yet share most of their area: goods on one ground, notes, logos, charts, plain ones.

The hard negatives of a fingerprint: what two members of a family share (background, layout) says nothing about
their content. All are drawn; the contents of the goods can be photographs, too.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

__all__ = ["FAMILIES", "Family", "scene"]

Random = np.random.Generator
Family = Callable[[Image.Image, Random], Image.Image]
"""Makes a member from the picture of some goods, which only families of goods use, and random numbers."""

_SIDE = 600
_WHITE: Final = (255, 255, 255)
_WORDS: Final = (
    "amber", "blue", "cargo", "delta", "early", "field", "green", "harbour", "index", "journal", "kettle", "lemon",
    "market", "north", "orange", "paper", "quarter", "river", "silver", "timber", "union", "valley", "winter", "yard",
    "of", "a", "the", "to", "in", "is", "we", "12", "2024", "7",
)  # fmt: skip


def scene(random: Random, width: int = 320, height: int = 240) -> Image.Image:
    """Return a picture somewhat like a photograph: coloured noise of many scales and a few bodies."""
    planes = np.zeros((height, width, 3))
    for cells, weight in ((3, 60), (6, 40), (12, 25), (24, 15), (48, 8)):
        coarse = random.normal(0, 1, (cells, cells)), random.normal(0, 1, (cells, cells, 3))
        for part, share in ((np.repeat(coarse[0][:, :, np.newaxis], 3, axis=2), 0.8), (coarse[1], 0.4)):
            for channel in range(3):
                grown = Image.fromarray(part[:, :, channel].astype(np.float32)).resize((width, height), 3)
                planes[:, :, channel] += weight * share * np.asarray(grown)
    picture = Image.fromarray(np.clip(128 + planes, 0, 255).astype(np.uint8))
    drawing = ImageDraw.Draw(picture)
    for _ in range(5):
        x, y = random.uniform(0, 0.8, 2) * (width, height)
        w, h = random.uniform(0.05, 0.4, 2) * (width, height)
        shape = drawing.ellipse if random.random() < 0.5 else drawing.rectangle
        shape((x, y, x + w, y + h), fill=_colour(random))
    return picture


def _colour(random: Random, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in random.integers(low, high, 3))
    return red, green, blue


def _pasted(box: tuple[float, float, float, float], ground: tuple[int, int, int] = _WHITE) -> Family:
    """Paste the goods into `box` (shares of the side) of a plain picture."""

    def make(goods: Image.Image, _random: Random) -> Image.Image:
        left, upper, right, lower = (round(share * _SIDE) for share in box)
        picture = Image.new("RGB", (_SIDE, _SIDE), ground)
        picture.paste(ImageOps.fit(goods, (right - left, lower - upper)), (left, upper))
        return picture

    return make


@cache
def _floor() -> Image.Image:
    return scene(np.random.default_rng(7), _SIDE, _SIDE)


def _on_floor(width: float) -> Family:
    """Lay the goods, `width` of the side, in the middle of a floor that is the same to the pixel for all."""

    def make(goods: Image.Image, _random: Random) -> Image.Image:
        side = round(width * _SIDE)
        picture = _floor().copy()
        picture.paste(ImageOps.fit(goods, (side, side)), ((_SIDE - side) // 2,) * 2)
        return picture

    return make


_SHIRT: Final = (
    (0.31, 0.17), (0.69, 0.17), (0.94, 0.56), (0.86, 0.62), (0.71, 0.42),
    (0.72, 0.86), (0.28, 0.86), (0.29, 0.42), (0.14, 0.62), (0.06, 0.56),
)  # fmt: skip


def _shirt(_goods: Image.Image, random: Random) -> Image.Image:
    """Photograph a light shirt on dark cloth by hand: the outline is nearly that of all, folds and cloth are not."""
    outline = Image.new("L", (_SIDE, _SIDE), 0)
    places = (np.array(_SHIRT) + random.uniform(-0.01, 0.01, (len(_SHIRT), 2))) * _SIDE
    ImageDraw.Draw(outline).polygon([(x, y) for x, y in places.tolist()], fill=255)
    folds, cloth = (
        Image.fromarray(random.integers(0, 256, (24, 24)).astype(np.uint8)).resize(outline.size, 3) for _ in range(2)
    )
    light, dark = folds.point(lambda level: 190 + level // 6), cloth.point(lambda level: 20 + level // 8)
    return Image.composite(light, dark, outline.filter(ImageFilter.GaussianBlur(1.5))).convert("RGB")


def _cut_out(goods: Image.Image, random: Random) -> Image.Image:
    """Cut the goods out along a random outline and lay them on white."""
    side = round(0.5 * _SIDE)
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    reach = np.full(len(angles), 0.35)
    for wave in (1, 2, 3, 4):
        reach += random.uniform(0, 0.12 / wave) * np.cos(wave * angles + random.uniform(0, 6.3))
    points = [
        (side * (0.5 + r * np.cos(a)), side * (0.5 + r * np.sin(a))) for a, r in zip(angles, reach, strict=True)
    ]
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    picture = Image.new("RGB", (_SIDE, _SIDE), _WHITE)
    picture.paste(ImageOps.fit(goods, (side, side)), ((_SIDE - side) // 2,) * 2, mask)
    return picture


def _line(random: Random, words: int) -> str:
    return " ".join(_WORDS[index] for index in random.integers(0, len(_WORDS), words))


def _note(_goods: Image.Image, random: Random) -> Image.Image:
    picture = Image.new("RGB", (_SIDE, _SIDE), _WHITE)
    lines = [_line(random, int(random.integers(2, 6))) for _ in range(int(random.integers(1, 4)))]
    ImageDraw.Draw(picture).multiline_text((40, 40), "\n".join(lines), fill="black", font=_font(24))
    return picture


def _page(_goods: Image.Image, random: Random) -> Image.Image:
    picture = Image.new("RGB", (_SIDE, 848), _WHITE)
    drawing = ImageDraw.Draw(picture)
    y = 60.0
    while y < 770:
        for _ in range(int(random.integers(2, 8))):
            drawing.text((60, y), _line(random, int(random.integers(6, 11)))[:58], fill="black", font=_font(16))
            y += 22
        y += 20
    return picture


def _letter(_goods: Image.Image, random: Random) -> Image.Image:
    """Return a letter: the same head on all of them, some lines that differ."""
    picture = Image.new("RGB", (_SIDE, 848), _WHITE)
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((0, 0, _SIDE, 70), fill=(20, 60, 120))
    drawing.text((40, 20), "Example Trading Company", fill="white", font=_font(26))
    drawing.text((60, 110), _line(random, 3), fill="black", font=_font(16))
    for row in range(int(random.integers(6, 14))):
        drawing.text(
            (60, 200 + 24 * row), _line(random, int(random.integers(4, 10)))[:58], fill="black", font=_font(16)
        )
    return picture


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _gradient(turned: bool) -> Family:
    def make(_goods: Image.Image, random: Random) -> Image.Image:
        first, last = (np.array(_colour(random)) for _ in range(2))
        angle = random.uniform(0, 2 * np.pi) if turned else np.pi / 2
        y, x = np.mgrid[:400, :400] / 399 - 0.5
        along = x * np.cos(angle) + y * np.sin(angle)
        along = (along - along.min()) / (along.max() - along.min())
        pixels = first + along[:, :, np.newaxis] * (last - first)
        return Image.fromarray(np.rint(pixels).astype(np.uint8))

    return make


def _dots(_goods: Image.Image, random: Random) -> Image.Image:
    picture = Image.new("RGB", (_SIDE, _SIDE), (0, 0, 0))
    drawing = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(5, 60))):
        x, y = random.uniform(0, _SIDE, 2)
        r = random.uniform(1, 5)
        drawing.ellipse((x - r, y - r, x + r, y + r), fill=_colour(random, 128))
    return picture


def _logo(_goods: Image.Image, random: Random) -> Image.Image:
    """Return two or three plain shapes and a word in the middle of a white picture."""
    picture = Image.new("RGB", (_SIDE, _SIDE), _WHITE)
    drawing = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(2, 4))):
        x, y = random.uniform(200, 360, 2)
        r = random.uniform(30, 90)
        sides = int(random.integers(3, 9))
        if sides > 6:
            drawing.ellipse((x - r, y - r, x + r, y + r), fill=_colour(random, 0, 200))
        else:
            drawing.regular_polygon((x, y, r), sides, rotation=random.uniform(0, 90), fill=_colour(random, 0, 200))
    drawing.text((220, 460), _line(random, 1).upper(), fill=_colour(random, 0, 150), font=_font(40))
    return picture


def _axes() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (_SIDE, 450), _WHITE)
    drawing = ImageDraw.Draw(picture)
    drawing.line((60, 30, 60, 400, 570, 400), fill="black", width=3)
    for tick in range(6):
        drawing.text((25, 390 - 65 * tick), str(20 * tick), fill="black", font=_font(14))
        drawing.line((60, 400 - 65 * tick, 570, 400 - 65 * tick), fill=(210, 210, 210))
    return picture, drawing


def _bars(_goods: Image.Image, random: Random) -> Image.Image:
    picture, drawing = _axes()
    count, colour = int(random.integers(4, 11)), _colour(random, 0, 200)
    width = 500 / count
    for index in range(count):
        x = 65 + width * index
        drawing.rectangle((x + 0.15 * width, 400 - random.uniform(20, 340), x + 0.85 * width, 398), fill=colour)
    return picture


def _curve(_goods: Image.Image, random: Random) -> Image.Image:
    picture, drawing = _axes()
    heights = np.cumsum(random.normal(0, 1, 40))
    heights = (heights - heights.min()) / (np.ptp(heights) + 1e-9)
    points = [(65 + 500 * i / 39, 390 - 340 * float(h)) for i, h in enumerate(heights)]
    drawing.line(points, fill=_colour(random, 0, 200), width=4)
    return picture


def _plain(_goods: Image.Image, random: Random) -> Image.Image:
    return Image.new("RGB", (_SIDE, _SIDE), _colour(random))


FAMILIES: Final[dict[str, Family]] = {
    "goods_strip": _pasted((0, 0, 1, 0.15)),
    "goods_corner_20": _pasted((0.05, 0.05, 0.25, 0.25)),
    "goods_corner_30": _pasted((0, 0, 0.3, 0.3)),
    "goods_lower_left_30": _pasted((0.05, 0.65, 0.35, 0.95)),
    "goods_centre_30": _pasted((0.35, 0.35, 0.65, 0.65)),
    "goods_centre_60": _pasted((0.2, 0.2, 0.8, 0.8)),
    "goods_on_black_30": _pasted((0.35, 0.35, 0.65, 0.65), (0, 0, 0)),
    "goods_cut_out": _cut_out,
    "note": _note,
    "page": _page,
    "letter": _letter,
    "gradient_vertical": _gradient(False),
    "gradient": _gradient(True),
    "dots_on_black": _dots,
    "logo": _logo,
    "bar_chart": _bars,
    "line_chart": _curve,
    "plain": _plain,
    "one_floor_30": _on_floor(0.3),
    "one_floor_45": _on_floor(0.45),
    "one_floor_55": _on_floor(0.55),
    "one_floor_70": _on_floor(0.7),
    "shirt": _shirt,
}
"""Families by name."""
