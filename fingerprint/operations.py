"""Make and compare fingerprints with any registered generator."""

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Final

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.index.candidates import Exhaustive, Index
from countermark.fingerprint.registry import Indexes, TellsFeatureless, generators, implementation_of

__all__ = [
    "DEFAULT_GENERATOR",
    "compare",
    "compare_many",
    "compute",
    "index_of",
    "is_featureless",
    "newest_generator",
]

DEFAULT_GENERATOR = "image/v1"

_VERSION: Final = re.compile(r"(?P<kind>[^/]+)/v(?P<version>[1-9][0-9]{0,8})")


def compute(source: str | PathLike[str] | BinaryIO, generator: str = DEFAULT_GENERATOR) -> Fingerprint:
    """Return the fingerprint of a file (paper step (2)); the same data give the same bytes on every machine.

    Args:
        source: A path, or a binary file at its start, which is read but not closed.
        generator: Id of the generator to use.

    Raises:
        FingerprintError: ``unknown_generator``, or what the generator cannot take: ``empty_file``, ``not_an_image``,
            ``image_too_large``, ``not_text``, ``not_a_table``, ``not_an_archive``, ``archive_unsafe``,
            ``empty_collection``, ``data_too_large``, ``unsupported_format`` or ``decoder_missing``.
        OSError: The file cannot be opened or read.
    """
    implementation = implementation_of(generator)
    if isinstance(source, str | PathLike):
        with Path(source).open("rb") as file:
            return implementation.compute(file)
    return implementation.compute(source)


def newest_generator(kind: str) -> str:
    """Return the id of the newest generator for data of `kind`: of ``table/v1`` and ``table/v2`` the latter.

    Raises:
        FingerprintError: ``unknown_generator``.
    """
    versions = [match for name in generators() if (match := _VERSION.fullmatch(name)) and match["kind"] == kind]
    if not versions:
        raise FingerprintError(FingerprintErrorCode.UNKNOWN_GENERATOR, f"no generator of the kind {kind[:64]!a}")
    return max(versions, key=lambda match: int(match["version"])).string


def compare(first: Fingerprint, second: Fingerprint) -> Comparison:
    """Return how similar two fingerprints of one generator are; the order of the two does not matter.

    Raises:
        FingerprintError: ``incompatible_fingerprints`` where the generators differ.
    """
    return compare_many(first, [second])[0]


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how `query` compares with each of `references`, in their order (paper steps (5) and (9-2)).

    The same outcome as `compare` of each pair, in a fraction of the time.

    Raises:
        FingerprintError: ``incompatible_fingerprints`` where a reference is of another generator.
    """
    for reference in references:
        if reference.generator != query.generator:
            raise FingerprintError(
                FingerprintErrorCode.INCOMPATIBLE_FINGERPRINTS, f"{query.generator} and {reference.generator}"
            )
    if not references:
        return []
    return implementation_of(query.generator).compare_many(query, references)


def is_featureless(fingerprint: Fingerprint) -> bool:
    """Return whether the data have nothing by which a copy could be known, as a picture of one colour has not.

    Such a fingerprint is a match for none, not even an identical one. Of a generator that does not tell: False.

    Raises:
        FingerprintError: ``unknown_generator``.
    """
    implementation = implementation_of(fingerprint.generator)
    return isinstance(implementation, TellsFeatureless) and implementation.is_featureless(fingerprint)


def index_of(generator: str) -> Index:
    """Return an empty index for fingerprints by `generator`: it tells which are worth comparing with a given one.

    Raises:
        FingerprintError: ``unknown_generator``.
    """
    implementation = implementation_of(generator)
    return implementation.index() if isinstance(implementation, Indexes) else Exhaustive()
