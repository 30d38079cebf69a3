"""Fingerprints of photographs and of their copies, kept in files: a run that was interrupted goes on.

A file is found by all that its fingerprints depend on: the photograph's bytes, the generator as its conformance
vectors pin it, and the experiment. Whoever has the cache sees roughly what the photographs show.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from countermark.fingerprint import conformance
from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.errors import FingerprintError

__all__ = ["Cache"]

_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Cache:
    """Fingerprints by `generator` in `folder`. Any number of processes may use it at once."""

    folder: Path
    generator: str

    def fingerprints(
        self, photo: Path, experiment: Any, make: Callable[[], Sequence[Fingerprint]]
    ) -> list[Fingerprint]:
        """Return what ``make`` returns for ``photo`` in ``experiment`` (a JSON value that tells it from others).

        It is not called where an earlier run has kept its result.

        Raises:
            FingerprintError: As ``make``.
            OSError: The photograph or the cache cannot be read or written.
        """
        kept = self.folder / f"{self._key(photo, experiment)}.fingerprints"
        try:
            return _split(kept.read_bytes())
        except FileNotFoundError:
            pass
        except FingerprintError:
            kept.unlink()  # a disk that was full, or another version's
        made = list(make())
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as file:
            for one in made:
                data = one.to_bytes()
                file.write(len(data).to_bytes(_LENGTH, "big") + data)
        Path(file.name).replace(kept)
        return made

    def _key(self, photo: Path, experiment: Any) -> str:
        pinned = [(one.name, one.fingerprints.get(self.generator)) for one in conformance.vectors()]
        with photo.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        text = json.dumps([content, self.generator, pinned, experiment], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _split(data: bytes) -> list[Fingerprint]:
    found, start = [], 0
    while start < len(data):
        end = start + _LENGTH + int.from_bytes(data[start : start + _LENGTH], "big")
        found.append(Fingerprint.from_bytes(data[start + _LENGTH : end]))
        start = end
    return found
