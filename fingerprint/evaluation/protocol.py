"""The paper's experiment (section IV.C): each copy is compared with all originals, and one of them is its own."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
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

__all__ = ["attacked_of", "copies_of", "find_copies", "originals_of", "prepared", "searching", "told"]

T = TypeVar("T")

_CHUNK: Final = 4


def originals_of(pool: Executor, cache: Cache[Kept], photos: Sequence[Path], tell: Tell) -> list[Kept]:
    """Return what the method keeps of each of ``photos``.

    Raises:
        EvaluationError: One is no image that the method takes.
        OSError: One cannot be read, or the cache cannot be written.
    """
    found = pool.map(partial(_original, cache), photos, chunksize=_CHUNK)
    return [made for (made,) in told(found, photos, tell)]


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
    return list(told(pool.map(partial(_copies, cache, experiment), photos, chunksize=_CHUNK), photos, tell))


def attacked_of(
    pool: Executor, cache: Cache[Kept], photos: Sequence[Path], attacks: Sequence[Attack], *, seed: int, tell: Tell
) -> list[list[Kept]]:
    """Return what is kept of each of ``photos`` after each of ``attacks``, with numbers from ``seed``.

    Raises:
        OSError: As `originals_of`.
    """
    return list(told(pool.map(partial(_attacked, cache, attacks, seed), photos, chunksize=_CHUNK), photos, tell))


def find_copies(
    method: Method[Kept],
    originals: Sequence[Kept],
    copies: Sequence[Sequence[Kept]],
    *,
    processes: int,
    tell: Tell,
) -> dict[str, Scores]:
    """Return how similar all ``copies``, of which each original has a sequence, are to each of ``originals``.

    The scores are by name of the method's similarities.
    """
    found: defaultdict[str, Scores] = defaultdict(Scores)
    with searching(processes, method.search, originals) as pool:
        for one in told(pool.map(_score, enumerate(copies), chunksize=_CHUNK), originals, tell):
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


_searched: dict[str, Any] = {}
"""Of a process that searches: the gallery, prepared once."""


@contextmanager
def searching(processes: int, prepare: Callable[[Sequence[T]], object], gallery: Sequence[T]) -> Iterator[Executor]:
    """Yield processes in each of which ``prepared`` returns what ``prepare`` makes of ``gallery``."""
    with ProcessPoolExecutor(processes, initializer=_prepare, initargs=(prepare, gallery)) as pool:
        yield pool


def _prepare(prepare: Callable[[Sequence[T]], object], gallery: Sequence[T]) -> None:
    _searched["gallery"] = prepare(gallery)


def prepared() -> Any:
    """Return what this process searches."""
    return _searched["gallery"]


def _score(task: tuple[int, Sequence[Any]]) -> dict[str, Scores]:
    owner, copies = task
    found: defaultdict[str, Scores] = defaultdict(Scores)
    for copy in copies:
        for name, similarities in prepared()(copy).items():
            found[name].add(similarities, np.arange(len(similarities)) == owner)
    return dict(found)


def told(results: Iterator[T], tasks: Sequence[object], tell: Tell) -> Iterator[T]:
    """Yield ``results``, one of each of ``tasks``, and tell how many there were."""
    for done, result in enumerate(results, start=1):
        yield result
        tell(done, len(tasks))
