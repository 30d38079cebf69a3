"""Reading a table of whatever format its first bytes say."""

from enum import Enum
from typing import BinaryIO

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.table.batches import Table
from countermark.fingerprint.table.delimited import read_delimited
from countermark.fingerprint.table.json_lines import read_json_lines
from countermark.fingerprint.table.parquet import read_parquet
from countermark.fingerprint.table.source import PARQUET, PARQUET_ENCRYPTED, Peeked

__all__ = ["Format", "format_of", "read_table"]


class Format(Enum):
    """How a table is written."""

    PARQUET = "Parquet"
    JSON_LINES = "JSON lines"
    DELIMITED = "delimited text"


def format_of(peeked: Peeked) -> Format:
    """Return how the table is written that begins as `peeked` does.

    Raises:
        FingerprintError: ``empty_file``.
    """
    head = peeked.head
    if not head:
        raise FingerprintError(FingerprintErrorCode.EMPTY_FILE)
    if head.startswith((PARQUET, PARQUET_ENCRYPTED)):
        return Format.PARQUET
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return Format.JSON_LINES
    return Format.DELIMITED


def read_table(source: BinaryIO) -> Table:
    """Return the table that `source` yields: Parquet, JSON lines or delimited text.

    Raises:
        FingerprintError: ``empty_file``, ``not_a_table``, ``unsupported_format`` or ``data_too_large``; the last
            three also from the table's portions.
    """
    peeked = Peeked(source)
    match format_of(peeked):
        case Format.PARQUET:
            return read_parquet(source, peeked)
        case Format.JSON_LINES:
            return read_json_lines(peeked)
        case Format.DELIMITED:
            return read_delimited(peeked)
