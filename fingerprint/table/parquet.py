"""Reading tables of Parquet files."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.table.batches import (
    LOOK_ROWS,
    MOST_READ_COLUMNS,
    Portion,
    Table,
    not_a_table,
    rows_at_once,
    too_large,
)
from countermark.fingerprint.table.cells import Cells, joined
from countermark.fingerprint.table.source import PARQUET, PARQUET_ENCRYPTED, Peeked
from countermark.fingerprint.table.typed import readable, typed_cells

__all__ = ["open_parquet", "read_parquet"]


_MOST_FOOTER_BYTES: Final = 1 << 26
_MOST_CHUNK_BYTES: Final = 1 << 28
"""Unpacked bytes of a column within a row group."""

_MOST_ROWS: Final = 100_000_000
_FREE_CELLS: Final = 20_000_000
_MOST_CELLS_A_BYTE: Final = 2_000
"""Cells for each byte of the file, beyond `_FREE_CELLS`: a file of a few bytes may not keep us for hours."""

_MEMORY_BYTES: Final = 1 << 24
"""Of a source that cannot be read in any order a copy is made: in memory up to here, else on disk."""


def read_parquet(source: BinaryIO, peeked: Peeked) -> Table:
    """Return the table of a Parquet file.

    Args:
        source: The file; where it cannot seek it is copied.
        peeked: The same, its beginning looked at.

    Raises:
        FingerprintError: ``not_a_table``, ``unsupported_format`` or ``data_too_large``, also from the portions.
    """
    parquet = open_parquet(source, peeked)
    names = [field.name for field in _flat(parquet.schema_arrow)]
    return Table(names, _portions(parquet, len(names)))


def open_parquet(source: BinaryIO, peeked: Peeked) -> pq.ParquetFile:
    """Return a Parquet file, whose columns and cells are not more than can be read, as `read_parquet` takes it.

    Raises:
        FingerprintError: ``not_a_table``, ``unsupported_format`` or ``data_too_large``.
    """
    file = _seekable(source, peeked)
    size = file.seek(0, io.SEEK_END)
    _check_footer(file, size)
    try:
        parquet = pq.ParquetFile(
            pa.PythonFile(file, "r"),
            read_dictionary=_texts(file),
            thrift_string_size_limit=_MOST_FOOTER_BYTES,
            thrift_container_size_limit=1 << 20,
            pre_buffer=False,
        )
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise not_a_table("broken Parquet") from error
    _check_size(parquet.metadata, size)
    return parquet


def _seekable(source: BinaryIO, peeked: Peeked) -> BinaryIO:
    if source.seekable():
        source.seek(0)
        return source
    copy = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - lives as long as the table is read
    shutil.copyfileobj(peeked, copy)
    return copy  # type: ignore[return-value]  # it has what of a file is used


def _check_footer(file: BinaryIO, size: int) -> None:
    if size < 12:
        raise not_a_table("Parquet that is cut off")
    file.seek(size - 8)
    tail = file.read(8)
    if tail[4:] == PARQUET_ENCRYPTED:
        raise FingerprintError(FingerprintErrorCode.UNSUPPORTED_FORMAT, "encrypted Parquet")
    if tail[4:] != PARQUET:
        raise not_a_table("Parquet that is cut off")
    if int.from_bytes(tail[:4], "little") > min(size, _MOST_FOOTER_BYTES):
        raise not_a_table("Parquet with a footer that is longer than the file")
    file.seek(0)


def _texts(file: BinaryIO) -> list[str]:
    """Return the columns of texts, which stay packed as dictionaries: a long text may be repeated very often."""
    try:
        schema = pq.read_schema(pa.PythonFile(file, "r"))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise not_a_table("broken Parquet") from error
    return [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]


def _check_size(metadata: pq.FileMetaData, size: int) -> None:
    if metadata.num_columns > MOST_READ_COLUMNS:
        raise too_large(f"more than {MOST_READ_COLUMNS} columns")
    cells = metadata.num_rows * metadata.num_columns
    if metadata.num_rows > _MOST_ROWS or cells > _FREE_CELLS + size * _MOST_CELLS_A_BYTE:
        raise too_large("too many rows")
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for column in range(rows.num_columns):
            if rows.column(column).total_uncompressed_size > _MOST_CHUNK_BYTES:
                raise too_large(f"a column of a row group has more than {_MOST_CHUNK_BYTES} bytes")


def _flat(schema: pa.Schema) -> list[pa.Field]:
    """Return the fields that are read: those within structures one by one, and no lists."""
    found = []
    for field in schema:
        if pa.types.is_struct(field.type):
            found += [inner.with_name(f"{field.name}.{inner.name}") for inner in _flat(pa.schema(list(field.type)))]
        elif readable(field.type):
            found.append(field)
    return found


def _columns(batch: pa.RecordBatch) -> list[pa.Array]:
    while any(pa.types.is_struct(kind) for kind in batch.schema.types):
        batch = pa.RecordBatch.from_arrays(*_opened(batch))
    return [column for column in batch.columns if readable(column.type)]


def _opened(batch: pa.RecordBatch) -> tuple[list[pa.Array], list[str]]:
    arrays: list[pa.Array] = []
    for column in batch.columns:
        arrays += column.flatten() if pa.types.is_struct(column.type) else [column]
    return arrays, [str(place) for place in range(len(arrays))]


def _portions(parquet: pq.ParquetFile, columns: int) -> Iterator[tuple[int, Portion]]:
    waiting: list[list[pa.Array]] = []
    count, wanted = 0, rows_at_once(columns, LOOK_ROWS)
    batches = parquet.iter_batches(batch_size=rows_at_once(parquet.metadata.num_columns), use_threads=False)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise not_a_table("broken Parquet") from error
        if batch is None:
            break
        arrays = _columns(batch)
        at = 0
        while count + batch.num_rows - at >= wanted:
            taken = wanted - count
            waiting.append([array.slice(at, taken) for array in arrays])
            yield wanted, _portion(waiting)
            at, count, wanted, waiting = at + taken, 0, rows_at_once(columns), []
        if at < batch.num_rows:
            waiting.append([array.slice(at) for array in arrays])
            count += batch.num_rows - at
    if count:
        yield count, _portion(waiting)


def _portion(parts: list[list[pa.Array]]) -> Portion:
    def cells(column: int) -> Cells:
        try:
            return joined([typed_cells(part[column]) for part in parts])
        except (pa.ArrowException, ValueError) as error:
            raise not_a_table("a cell of Parquet that is not of its column's type") from error

    return cells
