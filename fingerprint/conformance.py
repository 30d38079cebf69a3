"""Conformance vectors: small files and the fingerprints that every machine and library version must give them.

The pictures and other files are made by formulas and stored, so the vectors pin the decoders as well. Run
``python -m countermark.fingerprint.conformance`` after an upgrade of numpy, Pillow or the machine: it exits with 1
if a fingerprint differs. A published generator's vectors are only ever added to.
"""

import hashlib
import io
import json
import logging
import sys
from base64 import b64decode
from dataclasses import dataclass
from importlib.resources import files

from countermark.fingerprint.operations import compute

__all__ = ["Vector", "failures", "vectors"]


@dataclass(frozen=True, slots=True)
class Vector:
    """A file and the SHA-256 (hex) of its fingerprint's canonical bytes by each generator."""

    name: str
    file: bytes
    fingerprints: dict[str, str]

    @property
    def kind(self) -> str:
        """The kind of data of the generators that take the file, for example ``image``."""
        return next(iter(self.fingerprints)).partition("/")[0]


def vectors() -> tuple[Vector, ...]:
    """Return the vectors that ship with this package."""
    text = files(__package__).joinpath("conformance.json").read_text("utf-8")
    return tuple(Vector(entry["name"], b64decode(entry["file"]), entry["fingerprints"]) for entry in json.loads(text))


def failures() -> tuple[str, ...]:
    """Return one line for each fingerprint that differs from its vector; empty where this machine conforms.

    Raises:
        FingerprintError: A vector's file is not read at all.
    """
    return tuple(
        f"{vector.name} by {generator}"
        for vector in vectors()
        for generator, expected in vector.fingerprints.items()
        if hashlib.sha256(compute(io.BytesIO(vector.file), generator).to_bytes()).hexdigest() != expected
    )


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    differing = failures()
    for line in differing:
        logging.error("differs: %s", line)
    sys.exit(1 if differing else 0)
