"""Hashes of pictures that others publish, put to the same experiment: PDQ, and four of the package imagehash.

Their packages come with the extra ``peers`` of this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.methods import Search, Similarities
from countermark.fingerprint.image.decode import Pixels, decode

__all__ = ["PEERS", "PeerHashes", "check_installed"]

_PACKAGES: Final = {"pdqhash": "pdqhash", "imagehash": "ImageHash"}
"""Modules, and what their packages are called."""

_IMAGEHASH: Final = {"aHash": "average_hash", "pHash": "phash", "dHash": "dhash", "wHash": "whash"}

PEERS: Final = {"PDQ": 256, **dict.fromkeys(_IMAGEHASH, 64)}
"""Names of the hashes, and their bits, in the order in which they are kept."""

_LEAST_SIDE: Final = 8
"""imagehash takes no picture with a shorter side for wHash: such a one is enlarged."""


def check_installed() -> None:
    """Return if the packages are there.

    Raises:
        EvaluationError: One is missing; it says how to install them.
    """
    missing = [module for module in _PACKAGES if find_spec(module) is None]
    if missing:
        raise EvaluationError(f"no {' and no '.join(missing)} here: install countermark[peers]")


@dataclass(frozen=True, slots=True)
class PeerHashes:
    """All hashes of `PEERS` of a picture, joined; similarity is the share of equal bits.

    The pictures are decoded as those for our own generators are.
    """

    @property
    def identity(self) -> list[Any]:
        """The hashes and the versions of the packages."""
        return ["peers", PEERS, {name: metadata.version(name) for name in _PACKAGES.values()}]

    def compute(self, source: BinaryIO) -> bytes:
        """Return the hashes of the picture that `source` yields.

        Raises:
            FingerprintError: ``empty_file``, ``image_too_large`` or ``not_an_image``.
        """
        pixels = _enlarged(decode(source))
        bits, _ = import_module("pdqhash").compute(pixels)
        imagehash, picture = import_module("imagehash"), Image.fromarray(pixels)
        others = [getattr(imagehash, function)(picture).hash.ravel() for function in _IMAGEHASH.values()]
        return np.packbits(np.concatenate([bits.astype(bool), *others])).tobytes()

    def to_bytes(self, kept: bytes) -> bytes:
        """Return the hashes as they are."""
        return kept

    def from_bytes(self, data: bytes) -> bytes:
        """Return the hashes as they are.

        Raises:
            FingerprintError: ``fingerprint_malformed``: they have another length.
        """
        if 8 * len(data) != sum(PEERS.values()):
            raise FingerprintError(FingerprintErrorCode.FINGERPRINT_MALFORMED, "hashes of another length")
        return data

    def search(self, gallery: Sequence[bytes]) -> Search[bytes]:
        """Return a function that tells the similarities of hashes to each of `gallery`."""
        return lambda query: self.similarities(query, gallery)

    def similarities(self, query: bytes, gallery: Sequence[bytes]) -> Similarities:
        """Return the share of equal bits, by hash, of `query` with each of `gallery`."""
        differing = np.bitwise_count(_rows([query]) ^ _rows(gallery))
        found, start = {}, 0
        for name, bits in PEERS.items():
            found[name] = 1 - differing[:, start : start + bits // 8].sum(axis=1, dtype=np.int64) / bits
            start += bits // 8
        return found


def _enlarged(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    if min(width, height) >= _LEAST_SIDE:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((max(width, _LEAST_SIDE), max(height, _LEAST_SIDE))))


def _rows(hashes: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), -1)
