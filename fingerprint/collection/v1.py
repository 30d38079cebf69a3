"""``collection/v1``: sums up a zip archive, and tells how many files two collections have in common.

Files with other fingerprints are none in common: edited ones are found by comparing file by file.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.collection import GENERATOR
from countermark.fingerprint.collection.entries import Reader, files_of
from countermark.fingerprint.collection.summary import summary_of
from countermark.fingerprint.comparison import Comparison, Thresholds
from countermark.fingerprint.kinds import EMPTY, kind_of
from countermark.fingerprint.operations import compute as fingerprint
from countermark.fingerprint.sketch.sample import Sketch, overlap

__all__ = ["SHARES", "compare_many", "compute"]

_CONFIG: Final = "collection/v1+1"
SHARES: Final = Thresholds(match=0.20, review=0.05)
"""Shares of the files of the one collection that are in the other; those of the gate's policy."""

_GENERATORS: Final = {"image": "image/v1", "table": "table/v1", "text": "text/v1", "bytes": "bytes/v1"}
"""Of the files by kind: always these, so that the same archive gives the same bytes whatever generators there are."""

_PIECE: Final = 1 << 20


def compute(source: BinaryIO) -> Fingerprint:
    """Return the summary of the zip archive that `source` yields.

    Raises:
        FingerprintError: as `files_of`, or as the generators of its files.
    """
    # Its directory is at its end, and what comes may be a stream.
    with NamedTemporaryFile() as file:
        while piece := source.read(_PIECE):
            file.write(piece)
        file.flush()
        summed, path = [], Path(file.name)
        with Reader(path) as reader:
            for entry in files_of(path):
                with reader.open(entry.name) as opened:
                    kind = kind_of(opened, nested=True)
                    made = [] if kind == EMPTY else [fingerprint(opened, _GENERATORS[kind]).to_bytes()]
                    summed.append((kind, made))
    return summary_of(summed)


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how much of `query` is in each of `references`, or of them in it."""
    asked = Sketch.from_bytes(query.segment("files"))
    return [_compare(asked, Sketch.from_bytes(one.segment("files"))) for one in references]


def _compare(first: Sketch, second: Sketch) -> Comparison:
    common = overlap(first, second)
    score = max(common.of_first, common.of_second)
    reasons = (f"{common.common} of {common.first} and {common.second} files are the same",)
    return Comparison(SHARES.decide(score), score, reasons, GENERATOR, _CONFIG)
