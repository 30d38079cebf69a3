"""Reading tables of delimited text."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import pyarrow as pa

from countermark.fingerprint.table.batches import (
    LOOK_ROWS,
    MOST_READ_COLUMNS,
    Portion,
    Table,
    not_a_table,
    rows_at_once,
    too_large,
)
from countermark.fingerprint.table.cells import Cells, text_cells
from countermark.fingerprint.table.dialect import Dialect, dialect_of
from countermark.fingerprint.table.source import BINARY, HEAD_BYTES, Peeked, text_of

__all__ = ["read_delimited", "rows_of"]

_NO_DELIMITER: Final = "\x1f"
"""Separates the cells of a table of one column: a control character, which no text has."""

LONGEST_LINE: Final = 1 << 24
"""Characters of a line at most."""

_LEAST_AGREEING: Final = 0.5
"""Share of the rows that have as many cells as most; a file with more ragged ones is no table."""

_NAME: Final = re.compile(r"[^\d\W]|_")
_NUMBER: Final = re.compile(r"[\s+-]*[\d.,:/eETZ+-]+\s*")


def read_delimited(source: Peeked) -> Table:
    """Return the table that `source` holds as delimited text.

    Raises:
        FingerprintError: ``not_a_table`` or ``data_too_large``, also from the table's portions.
    """
    dialect, rows = rows_of(source)
    look = list(islice(rows, rows_at_once(dialect.columns, LOOK_ROWS)))
    if not look:
        raise not_a_table("no line has a cell")
    columns, agreeing = max(Counter(map(len, look)).items(), key=lambda item: (item[1], item[0]))
    if agreeing < _LEAST_AGREEING * len(look):
        raise not_a_table("the lines have different numbers of cells")
    if columns > MOST_READ_COLUMNS:
        raise too_large(f"more than {MOST_READ_COLUMNS} columns")
    header = look[0] if _is_header(look, columns) else None
    names = list(header) if header else [""] * columns
    portions = _portions(look[1:] if header else look, rows, columns, decimal_comma=dialect.delimiter == ";")
    return Table(names, portions)


def rows_of(source: Peeked) -> tuple[Dialect, Iterator[list[str]]]:
    """Return how the text of `source` is divided, and its rows, the first of which may be a header; no empty ones.

    Raises:
        FingerprintError: ``not_a_table`` or ``data_too_large``, also from the rows.
    """
    text = text_of(source)
    head = text.read(HEAD_BYTES)
    if BINARY.search(head):
        raise not_a_table("there are control characters in it")
    whole = head[: head.rfind("\n") + 1] or head
    dialect = dialect_of(whole) or Dialect(_NO_DELIMITER, 1, 1.0, 1)
    return dialect, _rows(_lines_of(head, text), dialect.delimiter)


def _lines_of(head: str, rest: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines of a text of which `head` was read, however they end."""
    lines = list(io.StringIO(head, newline=""))
    # What was read may end in the middle of a line, and between a carriage return and its newline.
    last = lines.pop() if lines and not lines[-1].endswith("\n") else ""
    yield from lines
    if last:
        yield _checked(last + rest.readline(LONGEST_LINE))
    while line := rest.readline(LONGEST_LINE):
        yield _checked(line)


def _checked(line: str) -> str:
    if len(line) >= LONGEST_LINE:
        raise too_large(f"a line has more than {LONGEST_LINE} characters")
    if "\0" in line:
        raise not_a_table("there are NUL characters in it")
    return line


def _rows(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for row in reader:
            if row:
                yield row
    except csv.Error as error:
        raise not_a_table(
            "a quote that is not closed, a bare carriage return, or a cell of 131,072 characters"
        ) from error


def _is_header(rows: Sequence[Sequence[str]], columns: int) -> bool:
    """Return whether the first row names the columns: different words, and not a number among them."""
    first = [cell.strip() for cell in rows[0]]
    return (
        len(rows) > 1
        and len(first) == columns
        and len(set(first)) == columns
        and all(_NAME.search(cell) and not _NUMBER.fullmatch(cell) for cell in first)
    )


def _portions(
    look: list[list[str]], rows: Iterator[list[str]], columns: int, *, decimal_comma: bool
) -> Iterator[tuple[int, Portion]]:
    some, read, fitting = look, 0, 0
    while some:
        kept = [row for row in (_fitted(row, columns) for row in some) if row is not None]
        read, fitting = read + len(some), fitting + sum(len(row) == columns for row in some)
        if fitting < _LEAST_AGREEING * read:
            raise not_a_table("the lines have different numbers of cells")
        by_column = list(zip(*kept, strict=True))

        def portion(column: int, by_column: Sequence[Sequence[str]] = by_column) -> Cells:
            cells = by_column[column] if by_column else ()
            return text_cells(pa.array(cells, pa.large_string()), decimal_comma=decimal_comma)

        yield len(kept), portion
        some = list(islice(rows, rows_at_once(columns)))


def _fitted(row: list[str], columns: int) -> list[str] | None:
    """Return `row` with as many cells as there are columns, filled up or without empty ones at its end, else None."""
    if len(row) == columns:
        return row
    if len(row) < columns:
        return row + [""] * (columns - len(row))
    return row[:columns] if not any(row[columns:]) else None
