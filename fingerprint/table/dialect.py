"""How a text is divided into cells: told by its beginning, with the standard library alone."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import Final

__all__ = ["DELIMITERS", "Dialect", "dialect_of"]

DELIMITERS: Final = ",|;\t"
"""Of two that divide the lines alike the later: in many languages a comma is within numbers, too."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text is divided.

    Attributes:
        delimiter: What stands between cells.
        columns: How many cells most rows have.
        agreeing: Share of the rows that have so many.
        rows: How many rows were looked at.
    """

    delimiter: str
    columns: int
    agreeing: float
    rows: int


def dialect_of(head: str) -> Dialect | None:
    """Return how the text that begins with `head` is divided; None where no character divides its lines alike."""
    best = None
    for delimiter in DELIMITERS:
        try:
            widths = Counter(
                len(row) for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if row
            )
        except csv.Error:
            continue
        if not widths:
            continue
        columns, rows = max(widths.items(), key=lambda item: (item[1], item[0]))
        found = Dialect(delimiter, columns, rows / widths.total(), widths.total())
        if columns > 1 and (best is None or _rank(found) > _rank(best)):
            best = found
    return best


def _rank(dialect: Dialect) -> tuple[float, int]:
    return round(dialect.agreeing, 1), DELIMITERS.index(dialect.delimiter)
