"""Attacks of a pirate who knows that pictures are compared: each a kind with parameters, so that others can be tried.

An attack takes an RGB picture and a source of random numbers and gives the bytes of a file.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from countermark.fingerprint.evaluation.changes import (
    Random,
    bordered,
    encoded,
    noisy,
    scaled,
    scaled_size,
    turned,
    with_gamma,
)
from countermark.fingerprint.evaluation.edits import Strength, paper_copy
from countermark.fingerprint.evaluation.families import scene

__all__ = ["HARD", "KINDS", "Attack", "Kind"]

Parameters = Mapping[str, float]
Change = Callable[[Image.Image, Random, Parameters], Image.Image]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of attack: how it changes a picture, and between which bounds its parameters lie."""

    change: Change
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    form: str = "JPEG"


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack of a `kind` (one of `KINDS`) with a value for each of its parameters."""

    kind: str
    parameters: Mapping[str, float] = field(default_factory=dict)

    def copy(self, picture: Image.Image, random: Random) -> bytes:
        """Return the file that comes of ``picture``."""
        kind = KINDS[self.kind]
        changed = kind.change(picture, random, self.parameters)
        return encoded(changed, kind.form, round(self.parameters.get("quality", 90)))


def _place(whole: Image.Image, part: tuple[int, int], random: Random) -> tuple[int, int]:
    """Return a random place of the upper left corner of `part` in `whole`."""
    return int(random.integers(0, whole.width - part[0] + 1)), int(random.integers(0, whole.height - part[1] + 1))


def _same(picture: Image.Image, _: Random, __: Parameters) -> Image.Image:
    return picture


def _scale(picture: Image.Image, _: Random, p: Parameters) -> Image.Image:
    return scaled(picture, p["factor"])


def _blur(picture: Image.Image, _: Random, p: Parameters) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(p["radius"]))


def _noise(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    return noisy(picture, random, p["sigma"])


def _grey(picture: Image.Image, _: Random, __: Parameters) -> Image.Image:
    return picture.convert("L").convert("RGB")


def _gamma(picture: Image.Image, _: Random, p: Parameters) -> Image.Image:
    return with_gamma(picture, p["power"])


def _jitter(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(1 + random.uniform(-p["most"], p["most"]))
    return picture


def _crop(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    """Cut `share` off each side's length in all, at a random place."""
    part = scaled_size(picture, 1 - p["share"])
    left, upper = _place(picture, part, random)
    return picture.crop((left, upper, left + part[0], upper + part[1]))


def _rotate(picture: Image.Image, _: Random, p: Parameters) -> Image.Image:
    """Turn it; `trim` of each side's length in all is cut away with the black corners."""
    return turned(picture, p["degrees"], p["trim"] / 2)


def _quarter_turns(picture: Image.Image, _: Random, p: Parameters) -> Image.Image:
    return picture.rotate(90 * round(p["turns"]), expand=True)


def _flip(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    return _crop(ImageOps.mirror(picture), random, p)


def _text(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    """Write across it in letters of `share` of its height."""
    marked = picture.copy()
    font = ImageFont.load_default(max(8, round(p["share"] * picture.height)))
    place = (random.uniform(0, 0.3) * picture.width, random.uniform(0.1, 0.8) * picture.height)
    ImageDraw.Draw(marked).text(place, "SAMPLE 2026", fill="white", stroke_fill="black", stroke_width=2, font=font)
    return marked


def _logo(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    """Cover `share` of its shorter side with a disc in a corner."""
    marked, side = picture.copy(), round(p["share"] * min(picture.size))
    left = random.choice([0, picture.width - side])
    upper = random.choice([0, picture.height - side])
    drawing, third = ImageDraw.Draw(marked), side // 3
    drawing.ellipse((left, upper, left + side, upper + side), fill=(200, 30, 40))
    drawing.rectangle((left + third, upper + third, left + 2 * third, upper + 2 * third), fill="white")
    return marked


def _border(picture: Image.Image, _: Random, p: Parameters) -> Image.Image:
    return bordered(picture, p["share"])


def _letterbox(picture: Image.Image, _: Random, p: Parameters) -> Image.Image:
    return ImageOps.expand(picture, (0, round(p["share"] * picture.height)), "black")


def _screenshot(picture: Image.Image, _: Random, p: Parameters) -> Image.Image:
    """Show it on a screen, between bars of `share` of its height."""
    bar, edge = round(p["share"] * picture.height), round(0.1 * picture.width)
    screen = Image.new("RGB", (picture.width + 2 * edge, picture.height + 2 * bar), (245, 245, 245))
    drawing = ImageDraw.Draw(screen)
    drawing.rectangle((0, 0, screen.width, bar // 2), fill=(40, 44, 52))
    drawing.rectangle((0, screen.height - bar // 3, screen.width, screen.height), fill=(30, 60, 110))
    drawing.text((edge, bar // 8), "viewer  file  edit  window", fill="white")
    screen.paste(picture, (edge, bar))
    return screen


def _pasted(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    """Paste it, `share` as wide, onto another picture."""
    other = scene(random, picture.width, picture.height)
    small = picture.resize(scaled_size(picture, p["share"]))
    other.paste(small, _place(other, small.size, random))
    return other


def _collage(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    """Put it into one cell of a grid of `side` x `side` pictures."""
    side = round(p["side"])
    whole = Image.new("RGB", (picture.width * side, picture.height * side))
    own = int(random.integers(0, side * side))
    for cell in range(side * side):
        shown = picture if cell == own else scene(random, picture.width, picture.height)
        whole.paste(shown, (cell % side * picture.width, cell // side * picture.height))
    return whole.resize(picture.size)


def _paper(picture: Image.Image, random: Random, p: Parameters) -> Image.Image:
    copy = paper_copy(picture, random, Strength(p["crop"], p["noise"], p["brightness"]))
    return Image.open(io.BytesIO(copy)).convert("RGB")


_SHARE: Final = (0.0, 0.9)
_QUALITY: Final = {"quality": (1.0, 100.0)}

KINDS: Final[Mapping[str, Kind]] = {
    "jpeg": Kind(_same, _QUALITY),
    "webp": Kind(_same, _QUALITY, "WEBP"),
    "scale": Kind(_scale, {"factor": (0.05, 4.0)}),
    "blur": Kind(_blur, {"radius": (0.0, 20.0)}),
    "noise": Kind(_noise, {"sigma": (0.0, 128.0)}),
    "grey": Kind(_grey),
    "gamma": Kind(_gamma, {"power": (0.1, 10.0)}),
    "jitter": Kind(_jitter, {"most": (0.0, 0.9)}),
    "crop": Kind(_crop, {"share": _SHARE}),
    "rotate": Kind(_rotate, {"degrees": (-45.0, 45.0), "trim": _SHARE}),
    "quarter_turns": Kind(_quarter_turns, {"turns": (1.0, 3.0)}),
    "flip": Kind(_flip, {"share": _SHARE}),
    "text": Kind(_text, {"share": (0.01, 0.5)}),
    "logo": Kind(_logo, {"share": (0.01, 0.9)}),
    "border": Kind(_border, {"share": (0.0, 1.0)}),
    "letterbox": Kind(_letterbox, {"share": (0.0, 1.0)}),
    "screenshot": Kind(_screenshot, {"share": (0.05, 1.0)}),
    "pasted": Kind(_pasted, {"share": (0.1, 1.0)}),
    "collage": Kind(_collage, {"side": (2.0, 4.0)}),
    "paper": Kind(_paper, {"crop": (0.0, 0.45), "noise": (0.0, 128.0), "brightness": (0.0, 1.0)}),
}
"""Kinds by name; shares are of a side's length."""


def _attack(kind: str, **parameters: float) -> Attack:
    return Attack(kind, parameters)


HARD: Final[Mapping[str, Attack]] = {
    "jpeg_30": _attack("jpeg", quality=30),
    "jpeg_10": _attack("jpeg", quality=10),
    "webp_30": _attack("webp", quality=30),
    "scale_50": _attack("scale", factor=0.5),
    "blur_2": _attack("blur", radius=2),
    "noise_20": _attack("noise", sigma=20),
    "grey": _attack("grey"),
    "gamma_2": _attack("gamma", power=2.0),
    "gamma_half": _attack("gamma", power=0.5),
    "jitter_30": _attack("jitter", most=0.3),
    "crop_10": _attack("crop", share=0.10),
    "crop_25": _attack("crop", share=0.25),
    "crop_50": _attack("crop", share=0.50),
    "rotate_2": _attack("rotate", degrees=2, trim=0),
    "rotate_5_filled": _attack("rotate", degrees=5, trim=0),
    "rotate_5_cropped": _attack("rotate", degrees=5, trim=0.16),
    "rotate_90": _attack("quarter_turns", turns=1),
    "rotate_180": _attack("quarter_turns", turns=2),
    "rotate_270": _attack("quarter_turns", turns=3),
    "flip": _attack("flip", share=0),
    "flip_crop": _attack("flip", share=0.12),
    "text": _attack("text", share=0.08),
    "logo": _attack("logo", share=0.2),
    "border": _attack("border", share=0.1),
    "letterbox": _attack("letterbox", share=0.15),
    "screenshot": _attack("screenshot", share=0.2),
    "pasted": _attack("pasted", share=0.6),
    "collage": _attack("collage", side=2),
    "crop_noise_brightness": _attack("paper", crop=0.08, noise=10, brightness=0.2),
}
"""The attacks by which generators are judged."""
