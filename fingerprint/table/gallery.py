"""An index of tables: those that share pairs of cells with one, and those with rows and columns that are alike.

For copies with noise, each kept row gives coarse cells of its numbers, and each three neighbouring columns of it a
key; which columns are neighbours is decided by their values. Columns give keys, too: their middle and their spread.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.index.postings import Postings
from countermark.fingerprint.sketch.sample import Hashes, mixed
from countermark.fingerprint.table import QUANTILES
from countermark.fingerprint.table.tables import Known

__all__ = ["Gallery"]

_BY_PAIRS: Final = 30
"""Candidates that share most pairs of cells."""

_BY_ROWS: Final = 12
"""Candidates that share most coarse rows."""

_BY_COLUMNS: Final = 8
"""Candidates that share most columns."""

_MOST_ROW_KEYS: Final = 1024
_TOGETHER: Final = 3
"""Columns of a row that give a key."""

_LEVELS: Final = 2
"""Steps in which a spread doubles."""

_CELLS: Final = 2
"""Coarse cells within a spread, for rows."""

_PLACES: Final = 4
"""Places within a spread that the middle of a column is at, for columns."""

_MIDDLE: Final = QUANTILES // 2


class Gallery:
    """Tables by what they share: an `Index` (see there)."""

    quickens = False

    def __init__(self) -> None:
        self._indexes = (
            Postings(_contents, _contents, most=_BY_PAIRS),
            Postings(_row_keys, _row_keys, most=_BY_ROWS, least=3),
            Postings(_column_keys, _near_column_keys, most=_BY_COLUMNS, least=2),
        )

    def __len__(self) -> int:
        """Return how many fingerprints there are."""
        return min(map(len, self._indexes))

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Take in fingerprints of tables."""
        for index in self._indexes:
            index.add(fingerprints)

    def candidates(self, query: Fingerprint, first: int = 0, *, quick: bool = False) -> list[int]:
        """Return the numbers from `first` on of the tables that are worth comparing, the likeliest first."""
        return list(
            dict.fromkeys(one for index in self._indexes for one in index.candidates(query, first, quick=quick))
        )


def _contents(fingerprint: Fingerprint) -> Hashes:
    return Known.of(fingerprint).contents


def _levels(known: Known, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how wide `columns` of numbers are, in steps of which `_LEVELS` double it."""
    return np.asarray(np.rint(np.log2(known.spreads[columns]) * _LEVELS).astype(np.int64))


def _row_keys(fingerprint: Fingerprint) -> Hashes:
    known = Known.of(fingerprint)
    columns = np.flatnonzero(known.measured)
    if len(columns) < 2:
        return np.empty(0, np.uint64)
    units = np.exp2(_levels(known, columns) / _LEVELS)
    order = np.argsort(known.quantiles[columns, _MIDDLE] / units, kind="stable")
    columns, units = columns[order], units[order]
    cells = np.stack([np.floor(known.numbers[at] / unit * _CELLS) for at, unit in zip(columns, units, strict=True)])
    hashes = _hashes(cells, _levels(known, columns)[:, np.newaxis])
    present = known.codes[:, columns].T != 0
    together = min(_TOGETHER, len(columns))
    keys = [np.empty(0, np.uint64)]
    for start in range(len(columns) - together + 1):
        whole = present[start : start + together].all(axis=0)
        keys.append(hashes[start : start + together, whole].sum(axis=0, dtype=np.uint64))
    return np.unique(np.concatenate(keys))[:_MOST_ROW_KEYS]


def _column_keys(fingerprint: Fingerprint) -> Hashes:
    known = Known.of(fingerprint)
    columns = np.flatnonzero(known.measured)
    return np.unique(_places(known, columns, 0, 0))


def _near_column_keys(fingerprint: Fingerprint) -> Hashes:
    known = Known.of(fingerprint)
    columns = np.flatnonzero(known.measured)
    near = [_places(known, columns, wider, further) for wider in (-1, 0, 1) for further in (-1, 0, 1)]
    return np.unique(np.concatenate(near))


def _places(known: Known, columns: NDArray[np.int64], wider: int, further: int) -> Hashes:
    levels = _levels(known, columns) + wider
    middles = known.quantiles[columns, _MIDDLE] if len(columns) else np.empty(0)
    return _hashes(np.rint(middles / np.exp2(levels / _LEVELS) * _PLACES) + further, levels)


def _hashes(places: NDArray[np.float64], levels: NDArray[np.int64]) -> Hashes:
    # Whatever a fingerprint says, a place that is no integer of 64 bits does not come about.
    whole = np.clip(places, -(2.0**62), 2.0**62).astype(np.int64)
    return mixed(mixed(whole.astype(np.uint64)) + levels.astype(np.uint64))
