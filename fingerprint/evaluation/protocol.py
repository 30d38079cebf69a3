"""The paper's experiment (section IV.C): originals look for their own copies among the copies of all photographs."""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from PIL import Image

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.errors import FingerprintError
from countermark.fingerprint.evaluation.cache import Cache
from countermark.fingerprint.evaluation.edits import Strength, paper_copy
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.hard import Attack
from countermark.fingerprint.evaluation.scores import Scores
from countermark.fingerprint.operations import compare_many, compute

__all__ = ["Tell", "attacked_of", "copies_of", "find_copies", "originals_of"]

Tell = Callable[[int, int], None]
"""Told how many photographs of how many have been dealt with."""

T = TypeVar("T")

_CHUNK: Final = 4


def originals_of(pool: Executor, cache: Cache, photos: Sequence[Path], tell: Tell) -> list[Fingerprint]:
    """Return the fingerprint of each of ``photos``.

    Raises:
        EvaluationError: One is no image that the generator takes.
        OSError: One cannot be read, or the cache cannot be written.
    """
    return [made for (made,) in _told(pool.map(partial(_original, cache), photos, chunksize=_CHUNK), photos, tell)]


def copies_of(
    pool: Executor, cache: Cache, photos: Sequence[Path], strength: Strength, *, copies: int, seed: int, tell: Tell
) -> list[list[Fingerprint]]:
    """Return fingerprints of ``copies`` copies of each of ``photos`` at ``strength``, with numbers from ``seed``.

    Raises:
        OSError: As `originals_of`.
    """
    experiment = _Copies(strength, copies, seed)
    return list(_told(pool.map(partial(_copies, cache, experiment), photos, chunksize=_CHUNK), photos, tell))


def attacked_of(
    pool: Executor, cache: Cache, photos: Sequence[Path], attacks: Sequence[Attack], *, seed: int, tell: Tell
) -> list[list[Fingerprint]]:
    """Return fingerprints of each of ``photos`` after each of ``attacks``, with numbers from ``seed``.

    Raises:
        OSError: As `originals_of`.
    """
    return list(_told(pool.map(partial(_attacked, cache, attacks, seed), photos, chunksize=_CHUNK), photos, tell))


def find_copies(
    originals: Sequence[Fingerprint], copies: Sequence[Sequence[Fingerprint]], *, processes: int, tell: Tell
) -> Scores:
    """Return the scores of each of ``originals`` with all ``copies``, of which each original has a sequence."""
    gallery = [copy for group in copies for copy in group]
    owners = np.repeat(np.arange(len(originals)), [len(group) for group in copies])
    with _searching(gallery, owners, processes) as pool:
        found = pool.map(_search, enumerate(originals), chunksize=_CHUNK)
        return sum(_told(found, originals, tell), start=Scores())


@dataclass(frozen=True, slots=True)
class _Copies:
    strength: Strength
    copies: int
    seed: int


def _original(cache: Cache, photo: Path) -> list[Fingerprint]:
    try:
        return cache.fingerprints(photo, "original", lambda: [compute(photo, cache.generator)])
    except FingerprintError as error:
        raise EvaluationError(f"{photo.name}: {error}") from error


def _copies(cache: Cache, experiment: _Copies, photo: Path) -> list[Fingerprint]:
    def make() -> list[Fingerprint]:
        picture, random = _opened(photo, experiment.seed)
        made = (paper_copy(picture, random, experiment.strength) for _ in range(experiment.copies))
        return [compute(io.BytesIO(copy), cache.generator) for copy in made]

    return cache.fingerprints(photo, [photo.name, asdict(experiment)], make)


def _attacked(cache: Cache, attacks: Sequence[Attack], seed: int, photo: Path) -> list[Fingerprint]:
    def make() -> list[Fingerprint]:
        picture, random = _opened(photo, seed)
        return [compute(io.BytesIO(attack.copy(picture, random)), cache.generator) for attack in attacks]

    return cache.fingerprints(photo, [photo.name, [asdict(one) for one in attacks], seed], make)


def _opened(photo: Path, seed: int) -> tuple[Image.Image, np.random.Generator]:
    """Return the picture, and a source of numbers that does not depend on which photographs are beside it."""
    with Image.open(photo) as opened:
        return opened.convert("RGB"), np.random.default_rng([seed, *photo.name.encode("utf-8", "surrogateescape")])


_gallery: dict[str, Any] = {}
"""Of a process that searches: what would be too much to send with each original."""


@contextmanager
def _searching(gallery: Sequence[Fingerprint], owners: Any, processes: int) -> Iterator[Executor]:
    with ProcessPoolExecutor(processes, initializer=_keep, initargs=(gallery, owners)) as pool:
        yield pool


def _keep(gallery: Sequence[Fingerprint], owners: Any) -> None:
    _gallery.update(gallery=gallery, owners=owners)


def _search(task: tuple[int, Fingerprint]) -> Scores:
    index, original = task
    scores = Scores()
    for owner, comparison in zip(_gallery["owners"], compare_many(original, _gallery["gallery"]), strict=True):
        scores.add(comparison, is_copy=bool(owner == index))
    return scores


def _told(results: Iterator[T], tasks: Sequence[object], tell: Tell) -> Iterator[T]:
    for done, result in enumerate(results, start=1):
        yield result
        tell(done, len(tasks))
