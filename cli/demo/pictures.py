"""The demo's photographs: files that an installed package ships, or those of a folder; and a thief's edit of one."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from countermark.client.data import fingerprint_of
from countermark.client.errors import ClientError
from countermark.fingerprint import DEFAULT_GENERATOR, Fingerprint, compare

_SHIPPED = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
NEEDED = len(_SHIPPED)


@dataclass(frozen=True)
class Pictures:
    """Photographs of different things: the one that is traded, and three more that sellers offer."""

    traded: Path
    others: tuple[Path, ...]


def gather(folder: Path | None, into: Path, say: Callable[[str], None]) -> Pictures:
    """Copy the photographs out of ``folder``, or out of scikit-image, to ``into``, as a camera's owner has them.

    Raises:
        click.UsageError: ``folder`` holds too few.
    """
    if folder is None:
        spec = importlib.util.find_spec("skimage")
        assert spec is not None
        assert spec.submodule_search_locations is not None
        shipped = Path(spec.submodule_search_locations[0]) / "data"
        sources = [shipped / name for name in _SHIPPED]
    else:
        sources = list(islice(_different(folder, say), NEEDED))
        if len(sources) < NEEDED:
            raise click.UsageError(f"{folder} holds fewer than {NEEDED} photographs of different things")
    copies = [Path(shutil.copy(source, into / source.name)) for source in sources]
    return Pictures(copies[0], tuple(copies[1:]))


def _different(folder: Path, say: Callable[[str], None]) -> Iterator[Path]:
    """Yield the photographs in ``folder`` that can be read and that the market would take beside those before."""
    kept: dict[Path, Fingerprint] = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES):
        try:
            found = fingerprint_of(path, DEFAULT_GENERATOR)
        except ClientError as error:
            say(f"leaving out {path.name}: {error}")
            continue
        like = next((other for other in kept if compare(kept[other], found).decision != "different"), None)
        if like is not None:
            say(f"leaving out {path.name}: it resembles {like.name}")
            continue
        kept[path] = found
        yield path


def disguise(photo: Path, into: Path) -> Path:
    """Write a copy as a thief makes it, a little cropped, brighter, compressed, and return its path."""
    from PIL import Image, ImageEnhance

    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    image = image.crop((width // 25, height // 25, width - width // 30, height - height // 30))
    path = into / f"{photo.stem}-mine.jpg"
    ImageEnhance.Brightness(image).enhance(1.15).save(path, quality=70)
    return path
