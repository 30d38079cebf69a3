"""Telling by its beginning whether a file is a table."""

import json
import re
from typing import Final

from countermark.fingerprint.table.dialect import Dialect, dialect_of
from countermark.fingerprint.table.source import HEAD_BYTES, PARQUET, PARQUET_ENCRYPTED, decoded

__all__ = ["looks_like_table"]

_FEWEST_LINES: Final = 3
"""Lines of delimited text of which can be told that they are divided alike."""

_FEWEST_OBJECTS: Final = 2
"""JSON objects, a line each: one alone is a document, which is known by its words."""

_AGREEING: Final = 0.95
"""Share of the lines that have as many cells as most."""

_LONGEST_PROSE: Final = 60
"""Characters of a cell on average from which on it is a part of a sentence."""

_CODE: Final = re.compile(r"^\s*(#include|import |from |def |class |function |var |let |const |public |<[!?/a-zA-Z])")
"""How lines of programs and of mark-up begin."""

_RULE: Final = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
"""The line under the head of a table in Markdown."""

_LOG: Final = re.compile(
    r"^\W*(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*|[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d)\W+\w.*"
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b[^,;\t|]*[\s:\]]",
    re.IGNORECASE,
)
"""A line of a log: a time and how grave it is, and then words."""


def looks_like_table(prefix: bytes) -> bool:
    """Return whether a file that begins with `prefix` is a table: Parquet, JSON lines or delimited text.

    Args:
        prefix: The first 64 KiB, or all of a shorter file.
    """
    if prefix.startswith((PARQUET, PARQUET_ENCRYPTED)):
        return True
    prefix = prefix[:HEAD_BYTES]
    text = decoded(prefix)
    if text is None:
        return False
    # The last line may be cut off.
    lines = text.splitlines()[: None if len(prefix) < HEAD_BYTES else -1]
    lines = [line for line in lines if line.strip()]
    if not lines:
        return False
    return _is_json_lines(lines) if lines[0].lstrip().startswith("{") else _is_delimited(lines)


def _is_json_lines(lines: list[str]) -> bool:
    if len(lines) < _FEWEST_OBJECTS:
        return False
    try:
        return all(isinstance(json.loads(line, parse_int=str), dict) for line in lines)
    except (ValueError, RecursionError):
        return False


def _is_delimited(lines: list[str]) -> bool:
    dialect = dialect_of("\n".join(lines) + "\n")
    if dialect is None or dialect.rows < _FEWEST_LINES or dialect.agreeing < _AGREEING:
        return False
    if sum(bool(_CODE.match(line) or _LOG.match(line)) for line in lines) * 4 > len(lines):
        return False
    return not any(map(_RULE.match, lines[:3])) and not _is_prose(lines, dialect)


def _is_prose(lines: list[str], dialect: Dialect) -> bool:
    """Return whether the cells are parts of sentences, as where each line happens to have one comma."""
    cells = [cell for line in lines for cell in line.split(dialect.delimiter)]
    spaced = sum(cell.startswith(" ") for cell in cells) if dialect.delimiter == "," else 0
    wordy = sum(cell.strip().count(" ") >= 3 for cell in cells)
    return (
        2 * wordy > len(cells)
        or sum(map(len, cells)) > _LONGEST_PROSE * len(cells)
        or (dialect.columns == 2 and 2 * spaced > len(lines) and 3 * wordy > len(cells))
    )
