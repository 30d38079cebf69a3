"""Reading tables of JSON lines: one object a line, whose keys are the columns."""

import json
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
from countermark.fingerprint.table.source import Peeked, text_of

__all__ = ["read_json_lines", "records_of"]

_LONGEST_LINE: Final = 1 << 24
"""Characters of a line at most."""

_DEEPEST: Final = 8
"""Objects within objects up to here are opened; what is deeper is left out."""

_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=lambda _: None)
"""Leaves numbers as they are written: what they mean is decided as for every other format."""

Record = dict[str, str | None]


def read_json_lines(source: Peeked) -> Table:
    """Return the table that `source` holds as one JSON object a line; keys that come late are left out.

    Raises:
        FingerprintError: ``not_a_table`` or ``data_too_large``, also from the table's portions.
    """
    records = records_of(source)
    look = list(islice(records, LOOK_ROWS))
    names = list(dict.fromkeys(name for record in look for name in record))
    if not names:
        raise not_a_table("no line has a cell")
    if len(names) > MOST_READ_COLUMNS:
        raise too_large(f"more than {MOST_READ_COLUMNS} columns")
    return Table(names, _portions(look, records, names))


def records_of(source: Peeked) -> Iterator[Record]:
    """Yield what each line of `source` says: of each key, those within others by dots, its value as text.

    Raises:
        FingerprintError: ``not_a_table`` or ``data_too_large``.
    """
    text = text_of(source)
    while line := text.readline(_LONGEST_LINE):
        if len(line) >= _LONGEST_LINE:
            raise too_large(f"a line has more than {_LONGEST_LINE} characters")
        if line.isspace():
            continue
        try:
            value = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            raise not_a_table("a line that is not JSON") from error
        if not isinstance(value, dict):
            raise not_a_table("a line that is not a JSON object")
        record: Record = {}
        _open(value, "", 0, record)
        yield record


def _open(value: dict[str, object], before: str, depth: int, record: Record) -> None:
    for key, inner in value.items():
        if isinstance(inner, dict):
            if depth < _DEEPEST:
                _open(inner, f"{before}{key}.", depth + 1, record)
        elif isinstance(inner, bool):
            record[before + key] = "true" if inner else "false"
        elif isinstance(inner, str):
            # Half of a pair of surrogates is no character, but JSON can write it.
            record[before + key] = inner.encode("utf-8", "replace").decode("utf-8")
        elif inner is None:
            record[before + key] = None


def _portions(look: list[Record], records: Iterator[Record], names: Sequence[str]) -> Iterator[tuple[int, Portion]]:
    first = rows_at_once(len(names), LOOK_ROWS)
    some, look = look[:first], look[first:]
    while some:

        def portion(column: int, some: Sequence[Record] = some) -> Cells:
            name = names[column]
            return text_cells(pa.array([record.get(name) for record in some], pa.large_string()))

        yield len(some), portion
        wanted = rows_at_once(len(names))
        some, look = look[:wanted], look[wanted:]
        some += list(islice(records, wanted - len(some)))
