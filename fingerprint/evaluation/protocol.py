"""The paper's experiment (section IV.C): originals look for their own copies among the copies of all photographs."""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from PIL import Image, ImageOps

from countermark.fingerprint.errors import FingerprintError
from countermark.fingerprint.evaluation.cache import Cache
from countermark.fingerprint.evaluation.edits import Strength, paper_copy
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.hard import Attack
from countermark.fingerprint.evaluation.methods import Kept, Method
from countermark.fingerprint.evaluation.plan import Tell
from countermark.fingerprint.evaluation.scores import Scores

__all__ = ["attacked_of", "copies_of", "find_copies", "originals_of"]

T = TypeVar("T")

_CHUNK: Final = 4


def originals_of(pool: Executor, cache: Cache[Kept], photos: Sequence[Path], tell: Tell) -> list[Kept]:
    """Return what the method keeps of each of ``photos``.

    Raises:
        EvaluationError: One is no image that the method takes.
        OSError: One cannot be read, or the cache cannot be written.
    """
    found = pool.map(partial(_original, cache), photos, chunksize=_CHUNK)
    return [made for (made,) in _told(found, photos, tell)]


def copies_of(
    pool: Executor,
    cache: Cache[Kept],
    photos: Sequence[Path],
    strength: Strength,
    *,
    copies: int,
    seed: int,
    tell: Tell,
) -> list[list[Kept]]:
    """Return what is kept of ``copies`` copies of each of ``photos`` at ``strength``, with numbers from ``seed``.

    Raises:
        OSError: As `originals_of`.
    """
    experiment = _Copies(strength, copies, seed)
    return list(_told(pool.map(partial(_copies, cache, experiment), photos, chunksize=_CHUNK), photos, tell))


def attacked_of(
    pool: Executor, cache: Cache[Kept], photos: Sequence[Path], attacks: Sequence[Attack], *, seed: int, tell: Tell
) -> list[list[Kept]]:
    """Return what is kept of each of ``photos`` after each of ``attacks``, with numbers from ``seed``.

    Raises:
        OSError: As `originals_of`.
    """
    return list(_told(pool.map(partial(_attacked, cache, attacks, seed), photos, chunksize=_CHUNK), photos, tell))


def find_copies(
    method: Method[Kept],
    originals: Sequence[Kept],
    copies: Sequence[Sequence[Kept]],
    *,
    processes: int,
    tell: Tell,
) -> dict[str, Scores]:
    """Return how similar each of ``originals`` is to all ``copies``, of which each original has a sequence.

    The scores are by name of the method's similarities.
    """
    gallery = [copy for group in copies for copy in group]
    owners = np.repeat(np.arange(len(originals)), [len(group) for group in copies])
    found: defaultdict[str, Scores] = defaultdict(Scores)
    with _searching(processes, method=method, gallery=gallery, owners=owners) as pool:
        for one in _told(pool.map(_search, enumerate(originals), chunksize=_CHUNK), originals, tell):
            for name, scores in one.items():
                found[name] += scores
    return dict(found)


@dataclass(frozen=True, slots=True)
class _Copies:
    strength: Strength
    copies: int
    seed: int


def _original(cache: Cache[Kept], photo: Path) -> list[Kept]:
    def make() -> Iterator[Kept]:
        with photo.open("rb") as file:
            yield cache.method.compute(file)

    try:
        return cache.fingerprints(photo, "original", make)
    except FingerprintError as error:
        raise EvaluationError(f"{photo.name}: {error}") from error


def _copies(cache: Cache[Kept], experiment: _Copies, photo: Path) -> list[Kept]:
    def make() -> Iterator[Kept]:
        picture, random = _opened(photo, experiment.seed)
        for _ in range(experiment.copies):
            yield cache.method.compute(io.BytesIO(paper_copy(picture, random, experiment.strength)))

    return cache.fingerprints(photo, [photo.name, asdict(experiment)], make)


def _attacked(cache: Cache[Kept], attacks: Sequence[Attack], seed: int, photo: Path) -> list[Kept]:
    def make() -> Iterator[Kept]:
        picture, random = _opened(photo, seed)
        for attack in attacks:
            yield cache.method.compute(io.BytesIO(attack.copy(picture, random)))

    return cache.fingerprints(photo, [photo.name, [asdict(one) for one in attacks], seed], make)


def _opened(photo: Path, seed: int) -> tuple[Image.Image, np.random.Generator]:
    """Return the picture, and a source of numbers that does not depend on which photographs are beside it."""
    with Image.open(photo) as opened:
        # Upright, as everything that shows or fingerprints it has it: a copy has no EXIF to turn it by.
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    return upright, np.random.default_rng([seed, *photo.name.encode("utf-8", "surrogateescape")])


_search_for: dict[str, Any] = {}
"""Of a process that searches: what would be too much to send with each original."""


@contextmanager
def _searching(processes: int, **needed: Any) -> Iterator[Executor]:
    with ProcessPoolExecutor(processes, initializer=_keep, initargs=(needed,)) as pool:
        yield pool


def _keep(needed: Mapping[str, Any]) -> None:
    _search_for.update(needed)


def _search(task: tuple[int, Any]) -> dict[str, Scores]:
    index, original = task
    are_copies = _search_for["owners"] == index
    found = {}
    for name, similarities in _search_for["method"].similarities(original, _search_for["gallery"]).items():
        found[name] = Scores()
        found[name].add(similarities, are_copies)
    return found


def _told(results: Iterator[T], tasks: Sequence[object], tell: Tell) -> Iterator[T]:
    for done, result in enumerate(results, start=1):
        yield result
        tell(done, len(tasks))
