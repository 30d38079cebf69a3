"""Generators for tables: ``table/v1``, of CSV, Parquet and JSON lines alike.

This module declares the layout and loads nothing; the code is in the sub-modules.
"""

import struct
from typing import Final, NamedTuple

from countermark.fingerprint import sketch
from countermark.fingerprint.registry import Generator, Implementation, Layout, SegmentRule, register

__all__ = [
    "COLUMN",
    "GREATEST",
    "KINDS",
    "LAST_CODE",
    "MOST_COLUMNS",
    "MOST_PAIRS",
    "MOST_ROW_BYTES",
    "QUANTILES",
    "SHAPE",
    "WHOLE_ROW",
    "Column",
    "register_generators",
]

MOST_COLUMNS: Final = 64
"""Columns that are described; of a wider table those with most different values."""

MOST_PAIRS: Final = 4096
"""Hashes of pairs of cells that are kept."""

MOST_ROW_BYTES: Final = 20_480
"""Bytes that the kept rows take at most: two for each of a row's described cells."""

QUANTILES: Final = 15
"""Of a column of numbers, the values at 1/16, 2/16 ... of its sorted cells are kept."""

LAST_CODE: Final = 65_535
"""The code of a column's greatest number; its least number has 0, and between them codes are linear."""

GREATEST: Final = 1e150
"""Numbers up to here are read: the square of one fits in a float of 64 bits."""

WHOLE_ROW: Final = 255
"""Stands for both columns of a hash that is of all cells of a row."""

KINDS: Final = ("text", "number", "date")
"""What most cells of a column are; a fingerprint holds the place in this list."""

SHAPE: Final = struct.Struct(">QII")
"""Rows of the table, columns, and one divided by the chance that two rows have the same cells, rounded down."""

COLUMN: Final = struct.Struct(f">BBBIIddd{QUANTILES}H")
"""Of a described column: kind, whether it is regular, missing cells (of 255), different values, and the rest of
`Column`."""


class Column(NamedTuple):
    """A described column.

    Attributes:
        kind: Place in `KINDS`.
        regular: 1 where its values are those of a grid (1 to n, every hour), so that tables share them by nature.
        missing: Share of missing cells, in units of 1/255.
        distinct: Estimated number of different values.
        effective: One divided by the chance that two of its cells have the same value, rounded down.
        low: The smallest number; 0 in a column of text.
        high: The greatest.
        spread: The standard deviation of the numbers; 0 in a column of text.
        quantiles: `QUANTILES` codes: 0 is `low`, 65,535 is `high`.
    """

    kind: int
    regular: int
    missing: int
    distinct: int
    effective: int
    low: float
    high: float
    spread: float
    quantiles: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """Return the bytes of `COLUMN`."""
        return COLUMN.pack(*self[:-1], *self.quantiles)

    @classmethod
    def all_of(cls, payload: bytes) -> tuple["Column", ...]:
        """Return the columns that a segment of whole `COLUMN` entries describes."""
        return tuple(cls._make((*fields[:8], fields[8:])) for fields in COLUMN.iter_unpack(payload))


def _sensible_column(column: Column) -> bool:
    return (
        column.kind < len(KINDS)
        and column.regular <= 1
        and column.effective >= 1
        and -GREATEST <= column.low <= column.high <= GREATEST
        and 0 <= column.spread <= 2 * GREATEST
        and all(low <= high for low, high in zip(column.quantiles, column.quantiles[1:], strict=False))
    )


def _sensible_columns(payload: bytes) -> bool:
    return len(payload) % COLUMN.size == 0 and all(_sensible_column(one) for one in Column.all_of(payload))


def _sensible_pairs(payload: bytes) -> bool:
    # The last two bytes of a hash are the columns that it is of, the lesser first.
    ends = zip(payload[7::8], payload[8::8], strict=True)
    return sketch.sensible(payload) and all(
        first <= second < MOST_COLUMNS or first == second == WHOLE_ROW for first, second in ends
    )


_V1 = Layout(
    (
        SegmentRule("shape", SHAPE.size, SHAPE.size, lambda payload: SHAPE.unpack(payload)[2] >= 1),
        SegmentRule("columns", 0, MOST_COLUMNS * COLUMN.size, _sensible_columns),
        SegmentRule("pairs", sketch.payload_bytes(0), sketch.payload_bytes(MOST_PAIRS), _sensible_pairs),
        SegmentRule("rows", 0, MOST_ROW_BYTES, lambda payload: len(payload) % 2 == 0),
    )
)


def _load_v1() -> Implementation:
    from countermark.fingerprint.table import v1

    return v1


def register_generators() -> None:
    """Register the generators of tables."""
    register(Generator("table/v1", _V1, _load_v1))
