"""The texts in one column of a table, such as the names of files."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.table.batches import BATCH_ROWS, not_a_table
from countermark.fingerprint.table.delimited import rows_of
from countermark.fingerprint.table.json_lines import records_of
from countermark.fingerprint.table.parquet import open_parquet
from countermark.fingerprint.table.reading import Format, format_of
from countermark.fingerprint.table.source import Peeked

__all__ = ["texts_in"]


def texts_in(source: BinaryIO, column: str) -> Iterator[str]:
    """Yield what stands in the column of that name, row by row; cells that are empty are left out.

    Raises:
        FingerprintError: ``empty_file``, ``not_a_table``, also where there is no such column, ``unsupported_format``
            or ``data_too_large``.
    """
    peeked = Peeked(source)
    match format_of(peeked):
        case Format.PARQUET:
            cells = _in_parquet(source, peeked, column)
        case Format.JSON_LINES:
            cells = _in_json_lines(peeked, column)
        case Format.DELIMITED:
            cells = _in_delimited(peeked, column)
    yield from (cell for cell in cells if cell)


def _in_delimited(peeked: Peeked, column: str) -> Iterator[str]:
    _, rows = rows_of(peeked)
    header = [cell.strip() for cell in next(rows, [])]
    if header.count(column) != 1:
        raise _missing(column)
    place = header.index(column)
    for row in rows:
        yield row[place] if place < len(row) else ""


def _in_json_lines(peeked: Peeked, column: str) -> Iterator[str]:
    found = False
    for record in records_of(peeked):
        found = found or column in record
        yield record.get(column) or ""
    if not found:
        raise _missing(column)


def _in_parquet(source: BinaryIO, peeked: Peeked, column: str) -> Iterator[str]:
    parquet = open_parquet(source, peeked)
    places = parquet.schema_arrow.get_all_field_indices(column)
    if len(places) != 1:
        raise _missing(column)
    try:
        for batch in parquet.iter_batches(BATCH_ROWS, columns=[column], use_threads=False):
            yield from (cell or "" for cell in batch.column(0).cast(pa.string()).to_pylist())
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise not_a_table("broken Parquet, or a column that holds no texts") from error


def _missing(column: str) -> FingerprintError:
    return FingerprintError(FingerprintErrorCode.NOT_A_TABLE, f"there is no column {column[:40]!a}, or more than one")
