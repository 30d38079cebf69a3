"""Collections of data: a folder or zip archive, file by file, on all cores, going on where an earlier run stopped."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countermark import fingerprint
from countermark.client.data import Choice, Data, chosen, failed, fingerprints_of
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.transfers import Progress, no_progress
from countermark.client.vault import Vault
from countermark.fingerprint import kinds
from countermark.fingerprint.collection import GENERATOR as SUMMARY
from countermark.fingerprint.collection.digests import digest_of
from countermark.fingerprint.collection.entries import Entry, Reader, files_of
from countermark.fingerprint.kinds import COLLECTION
from countermark.protocol.encoding import b64u, digest, unb64u
from countermark.protocol.manifests import File, manifest_root

MEDIA_TYPE = "application/zip"

_BATCH = 64
"""Files after which what was found is stored: so many are examined again when a run breaks off, at most."""

_ALONE = 16
"""A collection of fewer files is examined in this process: others would take longer to start."""

_KIND = "examined"


@dataclass(frozen=True)
class Examined:
    """A file of a collection: its kind, SHA-256 and canonical fingerprints, by generator."""

    kind: str
    digest: bytes = field(repr=False)
    items: Mapping[str, bytes] = field(repr=False)


def examine_collection(
    path: Path,
    choose: Choice,
    *,
    vault: Vault | None = None,
    progress: Progress = no_progress,
    alone: bool = False,
) -> Data:
    """Return what the market needs to know of the folder or zip archive ``path``.

    What was found of a file is kept in ``vault``, and holds until the file changes. All cores work at it, or this
    process ``alone``.

    Raises:
        ClientError: a file cannot be read or fingerprinted, or the collection is none that is taken.
    """
    chosen(COLLECTION, choose)
    try:
        entries = files_of(path)
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{error.filename or path} cannot be read: {error.strerror}") from error
    except fingerprint.FingerprintError as error:
        raise failed(path.name, error) from error
    generators = {kind: tuple(choose(kind)) for kind in kinds.KINDS if kind != COLLECTION}
    found = _examine(path, entries, generators, _Memory(vault, path, generators), progress, alone=alone)
    size = sum(entry.size for entry in entries)
    if size == 0:
        raise ClientError(
            str(fingerprint.FingerprintErrorCode.EMPTY_FILE), f"{path.name}: every file is empty", here=True
        )
    files = tuple(File(entry.name, entry.size, one.digest) for entry, one in zip(entries, found, strict=True))
    items = _ordered(found)
    used = tuple(sorted({generator for one in found for generator in one.items} | {SUMMARY}))
    return Data(path, COLLECTION, size, MEDIA_TYPE, manifest_root(files), items, used, files)


def _examine(
    path: Path,
    entries: Sequence[Entry],
    generators: Mapping[str, Sequence[str]],
    memory: "_Memory",
    progress: Progress,
    *,
    alone: bool,
) -> list[Examined]:
    known = memory.load()
    missing = [entry for entry in entries if entry not in known]
    done = len(entries) - len(missing)
    found = _each(path, [entry.name for entry in missing], generators, alone=alone)
    for entry, examined in zip(missing, found, strict=True):
        known[entry] = examined
        done += 1
        memory.add(entry, examined)
        progress(done, len(entries))
    memory.save()
    if len(known) > len(entries):
        # Of files that have changed or are gone.
        memory.clear()
        for entry in entries:
            memory.add(entry, known[entry])
        memory.save()
    return [known[entry] for entry in entries]


def _ordered(found: Iterable[Examined]) -> tuple[bytes, ...]:
    """Return the fingerprints of all files and the collection's summary, by generator, within one by file."""
    from countermark.fingerprint.collection.summary import summary_of

    by_generator: dict[str, list[bytes]] = {}
    for one in found:
        for generator, item in one.items.items():
            by_generator.setdefault(generator, []).append(item)
    by_generator[SUMMARY] = [summary_of((one.kind, list(one.items.values())) for one in found).to_bytes()]
    return tuple(item for _, items in sorted(by_generator.items()) for item in items)


def _each(
    path: Path, names: Sequence[str], generators: Mapping[str, Sequence[str]], *, alone: bool
) -> Iterator[Examined]:
    """Yield what is found of each of the files ``names``, in their order."""
    if alone or len(names) < _ALONE:
        with _Files(path, generators) as files:
            yield from map(files.examine, names)
        return
    with ProcessPoolExecutor(os.cpu_count(), initializer=_start, initargs=(path, generators)) as pool:
        try:
            yield from pool.map(_examine_one, names, chunksize=4)
        except BaseException:
            # One bad file, or Ctrl-C: what waits is not done any more.
            pool.shutdown(wait=True, cancel_futures=True)
            raise


class _Files:
    """Examines files of one collection, in one process."""

    def __init__(self, path: Path, generators: Mapping[str, Sequence[str]]) -> None:
        self._reader = Reader(path)
        self._generators = generators

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def examine(self, name: str) -> Examined:
        """Return what is found of the file ``name``.

        Raises:
            ClientError: it cannot be read or fingerprinted.
        """
        try:
            with self._reader.open(name) as file:
                kind = kinds.kind_of(file, nested=True)
                exact = digest_of(file)
                if kind == kinds.EMPTY:
                    return Examined(kind, exact, {})
                generators = chosen(kind, lambda kind: self._generators[kind])
                return Examined(kind, exact, dict(zip(generators, fingerprints_of(file, generators), strict=True)))
        except OSError as error:
            raise ClientError(REFUSED_HERE, f"{name} cannot be read: {error.strerror}") from error
        except fingerprint.FingerprintError as error:
            raise failed(name, error) from error


_files: _Files | None = None
"""Of a process that was started for one collection."""


def _start(path: Path, generators: Mapping[str, Sequence[str]]) -> None:
    global _files
    _files = _Files(path, generators)


def _examine_one(name: str) -> Examined:
    assert _files is not None
    return _files.examine(name)


class _Memory:
    """What was found of the files of one collection, in the vault of the account: fingerprints are confidential."""

    def __init__(self, vault: Vault | None, path: Path, generators: Mapping[str, Sequence[str]]) -> None:
        self._vault = vault
        subject = repr((os.fsencode(path.resolve()), sorted(generators.items())))
        self._name = digest(subject.encode()).removeprefix("sha256:")[:32]
        self._waiting: list[dict[str, Any]] = []
        self._batches = 0

    def load(self) -> dict[Entry, Examined]:
        """Return what is known already."""
        known: dict[Entry, Examined] = {}
        if self._vault is None:
            return known
        for name in self._names():
            self._batches += 1
            for record in (self._vault.get(_KIND, name) or {"files": []})["files"]:
                entry = Entry(record["name"], record["size"], record["version"])
                items = {generator: unb64u(item) for generator, item in record["items"].items()}
                known[entry] = Examined(record["kind"], unb64u(record["digest"]), items)
        return known

    def _names(self) -> list[str]:
        assert self._vault is not None
        return [name for name in self._vault.names(_KIND) if name.startswith(self._name)]

    def add(self, entry: Entry, examined: Examined) -> None:
        """Keep what was found of a file."""
        self._waiting.append(
            {
                "name": entry.name,
                "size": entry.size,
                "version": entry.version,
                "kind": examined.kind,
                "digest": b64u(examined.digest),
                "items": {generator: b64u(item) for generator, item in examined.items.items()},
            }
        )
        if len(self._waiting) >= _BATCH:
            self.save()

    def clear(self) -> None:
        """Forget all of the collection."""
        if self._vault is not None:
            for name in self._names():
                self._vault.delete(_KIND, name)
        self._waiting, self._batches = [], 0

    def save(self) -> None:
        """Store what was kept since."""
        if self._vault is not None and self._waiting:
            self._vault.put(_KIND, f"{self._name}-{self._batches}", {"files": self._waiting})
            self._batches += 1
        self._waiting = []
