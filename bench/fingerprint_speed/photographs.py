"""The photographs of a folder, for the measurements: which are asked, which are in the gallery."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.figures import note
from countermark.fingerprint import Fingerprint, compute
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.evaluation.hard import HARD

LEAST = 240
"""Fewer photographs than these are made up for by drawn scenes."""

COPIED = 50
ATTACKS = ("jpeg_30", "crop_25", "crop_50", "pasted")
"""How the copies are made, in turn: what one hides behind, from the easiest to the hardest."""


@dataclass(frozen=True)
class Photographs:
    """What is asked and what is looked through: no photograph is in two of these.

    Attributes:
        honest: Of pictures that are not in the gallery.
        originals: Of pictures that are, and of which copies are asked.
        copies: Of an edited copy of each original.
        sources: Of the pictures of which others are made.
    """

    honest: list[Fingerprint]
    originals: list[Fingerprint]
    copies: list[Fingerprint]
    sources: list[Fingerprint]


def paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))


def read(folder: Path, seed: int = 1) -> Photographs:
    random = np.random.default_rng(seed)
    found = paths(folder)
    pictures: list[Path | Image.Image] = [*found]
    if len(found) < LEAST:
        note(f"{LEAST - len(found)} drawn scenes beside {len(found)} photographs, which are too few")
        pictures += [scene(random) for _ in range(LEAST - len(found))]
    shuffled = [pictures[int(place)] for place in random.permutation(len(pictures))]
    kept, offered = shuffled[:COPIED], max(COPIED, len(shuffled) // 8)
    prints = [compute(io.BytesIO(_file(one))) for one in shuffled]
    return Photographs(
        prints[COPIED : COPIED + offered],
        prints[:COPIED],
        [
            compute(io.BytesIO(HARD[ATTACKS[number % len(ATTACKS)]].copy(_picture(one), random)))
            for number, one in enumerate(kept)
        ],
        prints[COPIED + offered :],
    )


def _picture(one: Path | Image.Image) -> Image.Image:
    return one if isinstance(one, Image.Image) else Image.open(one).convert("RGB")


def _file(one: Path | Image.Image) -> bytes:
    if isinstance(one, Path):
        return one.read_bytes()
    buffer = io.BytesIO()
    one.save(buffer, "PNG")
    return buffer.getvalue()
