"""Tables as the readers give them: rows in portions of a fixed size, which no reader decides."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.table.cells import Cells

__all__ = [
    "BATCH_ROWS",
    "LOOK_ROWS",
    "MOST_READ_COLUMNS",
    "Portion",
    "Table",
    "not_a_table",
    "rows_at_once",
    "too_large",
]

BATCH_ROWS: Final = 16_384
"""Rows of a portion: as many as stay in the processor's cache, column by column."""

LOOK_ROWS: Final = 4096
"""Rows of the first portion, by which columns are chosen in a table that is very wide."""

_CELLS_AT_ONCE: Final = 1 << 20
"""Cells of a portion at most, so that wide tables take no more memory."""

_FEWEST_ROWS: Final = 16

MOST_READ_COLUMNS: Final = 10_000
"""A table with more columns is refused."""

Portion = Callable[[int], Cells]
"""Gives the cells of a column, by its place, in some rows of a table."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is being read.

    Attributes:
        names: A name for each column, empty where there is none.
        portions: Some rows at a time: how many there are, and what gives their cells. The first portion has
            `LOOK_ROWS` rows if there are so many, unless the table is very wide.
    """

    names: Sequence[str]
    portions: Iterator[tuple[int, Portion]]


def rows_at_once(columns: int, most: int = BATCH_ROWS) -> int:
    """Return how many rows of so many `columns` make a portion."""
    return min(most, max(_FEWEST_ROWS, _CELLS_AT_ONCE // max(columns, 1)))


def not_a_table(detail: str) -> FingerprintError:
    """Return the error for a file that cannot be read as a table."""
    return FingerprintError(FingerprintErrorCode.NOT_A_TABLE, detail)


def too_large(detail: str) -> FingerprintError:
    """Return the error for a table that would take too much time or memory."""
    return FingerprintError(FingerprintErrorCode.DATA_TOO_LARGE, detail)
