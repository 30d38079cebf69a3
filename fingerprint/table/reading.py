"""Reading a table of whatever format its first bytes say."""

from typing import BinaryIO

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.table.batches import Table
from countermark.fingerprint.table.delimited import read_delimited
from countermark.fingerprint.table.json_lines import read_json_lines
from countermark.fingerprint.table.parquet import read_parquet
from countermark.fingerprint.table.source import PARQUET, PARQUET_ENCRYPTED, Peeked

__all__ = ["read_table"]


def read_table(source: BinaryIO) -> Table:
    """Return the table that `source` yields: Parquet, JSON lines or delimited text.

    Raises:
        FingerprintError: ``empty_file``, ``not_a_table``, ``unsupported_format`` or ``data_too_large``; the last
            three also from the table's portions.
    """
    peeked = Peeked(source)
    head = peeked.head
    if not head:
        raise FingerprintError(FingerprintErrorCode.EMPTY_FILE)
    if head.startswith((PARQUET, PARQUET_ENCRYPTED)):
        return read_parquet(source, peeked)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return read_json_lines(peeked)
    return read_delimited(peeked)
