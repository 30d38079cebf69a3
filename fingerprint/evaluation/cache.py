"""What methods keep of photographs and of their copies, in files: a run that was interrupted goes on.

A file is found by all that its content depends on: the photograph's bytes, the method, and the experiment. Whoever
has the cache sees roughly what the photographs show.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Generic

from countermark.fingerprint.errors import FingerprintError
from countermark.fingerprint.evaluation.methods import Kept, Method

__all__ = ["Cache"]

_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Cache(Generic[Kept]):
    """What `method` keeps, in `folder`. Any number of processes may use it at once."""

    folder: Path
    method: Method[Kept]

    def fingerprints(self, photo: Path, experiment: Any, make: Callable[[], Iterable[Kept]]) -> list[Kept]:
        """Return what ``make`` returns for ``photo`` in ``experiment`` (a JSON value that tells it from others).

        It is not called where an earlier run has kept its result.

        Raises:
            FingerprintError: As ``make``.
            OSError: The photograph or the cache cannot be read or written.
        """
        kept = self.folder / f"{self._key(photo, experiment)}.fingerprints"
        try:
            return [self.method.from_bytes(one) for one in _split(kept.read_bytes())]
        except FileNotFoundError:
            pass
        except FingerprintError:
            kept.unlink()  # a disk that was full, or another version's
        made = list(make())
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as file:
            for one in made:
                data = self.method.to_bytes(one)
                file.write(len(data).to_bytes(_LENGTH, "big") + data)
        Path(file.name).replace(kept)
        return made

    def _key(self, photo: Path, experiment: Any) -> str:
        with photo.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        text = json.dumps([content, *self.method.identity, experiment], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _split(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = start + _LENGTH + int.from_bytes(data[start : start + _LENGTH], "big")
        yield data[start + _LENGTH : end]
        start = end
