"""Compare two things that lie here, offline: two files of one kind, or two collections file by file."""

from collections.abc import Sequence
from pathlib import Path

from countermark import fingerprint
from countermark.client.data import Data, default_generator, fingerprint_of, kind_of_path
from countermark.client.errors import ClientError
from countermark.client.examining import examine
from countermark.fingerprint import Comparison, Fingerprint
from countermark.fingerprint.kinds import COLLECTION

_CONFIG = "collection+1"


def compare_paths(a: Path, b: Path, generator: str | None = None) -> Comparison:
    """Return how much ``b`` is like a copy of ``a``.

    Args:
        a: A file, or a folder or zip archive of files.
        b: Another.
        generator: Instead of the newest one for the kind of ``a``.

    Raises:
        ClientError: one of them cannot be read or fingerprinted, or they are of different kinds.
    """
    try:
        collections = [kind_of_path(path) == COLLECTION for path in (a, b)] if generator is None else []
        if collections == [True, True]:
            return _compare_collections(examine(a, _newest), examine(b, _newest))
        if any(collections):
            code = str(fingerprint.FingerprintErrorCode.INCOMPATIBLE_FINGERPRINTS)
            raise ClientError(code, f"only one of {a.name} and {b.name} is a collection", here=True)
        generator = generator or default_generator(a)
        return fingerprint.compare(fingerprint_of(a, generator), fingerprint_of(b, generator))
    except fingerprint.FingerprintError as error:
        raise ClientError(str(error.code), error.detail, here=True) from error


def _newest(kind: str) -> list[str]:
    return [fingerprint.newest_generator(kind)]


def _compare_collections(first: Data, second: Data) -> Comparison:
    one, other = _items(first), _items(second)
    of_first = _found(one, other) / max(len(one), 1)
    of_second = _found(other, one) / max(len(other), 1)
    exact = first.exact == second.exact
    from countermark.fingerprint.collection.v1 import SHARES

    score = 1.0 if exact else max(of_first, of_second)
    reasons = (
        f"{of_first:.0%} of the {len(one)} files of the first are in the second",
        f"{of_second:.0%} of the {len(other)} files of the second are in the first",
    )
    return Comparison(SHARES.decide(score), score, reasons, fingerprint.newest_generator(COLLECTION), _CONFIG)


def _items(data: Data) -> list[Fingerprint]:
    made = (Fingerprint.from_bytes(item) for item in data.items)
    return [one for one in made if one.kind != COLLECTION]


def _found(some: Sequence[Fingerprint], others: Sequence[Fingerprint]) -> int:
    """Return how many of ``some`` are copies of any of ``others``."""
    count = 0
    for generator in {one.generator for one in others}:
        index = fingerprint.index_of(generator)
        those = [one for one in others if one.generator == generator]
        index.add(those)
        for one in some:
            if one.generator == generator:
                near = [those[number] for number in index.candidates(one)]
                count += any(found.decision == "match" for found in fingerprint.compare_many(one, near))
    return count
