"""Attacks on tables: what somebody does to sell another's table as his own."""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from countermark.fingerprint.evaluation.kinds.attack import Attack, Edit
from countermark.fingerprint.evaluation.kinds.made_tables import Frame

__all__ = ["ATTACKS", "COMBINED"]

Change = Callable[[Frame, Random, Sequence[bytes]], Frame]
Write = Callable[[Frame], bytes]

_DECIMAL: Final = re.compile(r"-?\d+(\.\d+)?")
_WHOLE: Final = re.compile(r"-?\d+")


def _random_rows(share: float, frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    return Frame(frame.names, tuple(random.sample(frame.rows, max(int(share * len(frame.rows)), 1))))


def _contiguous_rows(share: float, frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    count = max(int(share * len(frame.rows)), 1)
    start = random.randrange(len(frame.rows) - count + 1)
    return Frame(frame.names, frame.rows[start : start + count])


def _rows_above(share: float, frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    """Keep the rows with the greatest values of a column of numbers."""
    columns = frame.columns()
    measured = [at for at, cells in enumerate(columns) if _numeric(cells)]
    at = random.choice(measured)
    return Frame(
        frame.names,
        tuple(sorted(frame.rows, key=lambda row: float(row[at] or "nan"))[-max(int(share * len(frame.rows)), 1) :]),
    )


def _some_columns(count: int, frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    """Keep so many columns of those with many different values."""
    columns = frame.columns()
    different = sorted(range(len(columns)), key=lambda at: -len(set(columns[at])))
    telling = [at for at in different if 10 * len(set(columns[at])) >= len(frame.rows)]
    chosen = random.sample(telling, count) if len(telling) > count else different[:count]
    return Frame.of_columns([frame.names[at] for at in chosen], [columns[at] for at in chosen])


def _shuffled(frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    order = random.sample(range(len(frame.names)), len(frame.names))
    rows = [tuple(row[at] for at in order) for row in frame.rows]
    random.shuffle(rows)
    return Frame(tuple(frame.names[at] for at in order), tuple(rows))


def _renamed(frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    return Frame(tuple(f"field_{random.randrange(1000)}_{at}" for at in range(len(frame.names))), frame.rows)


def _rounded(digits: int, frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    """Round to so many significant digits, keys left alone."""
    return _numbers_changed(frame, lambda cells: [f"{float(cell):.{digits}g}" if cell else cell for cell in cells])


def _noisy(share: float, frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    """Add noise with `share` of each column's standard deviation, keys left alone."""
    source = np.random.default_rng(random.getrandbits(64))

    def noisy(cells: Sequence[str]) -> list[str]:
        values = np.array([float(cell or "nan") for cell in cells])
        digits = max((len(cell.partition(".")[2]) for cell in cells), default=0)
        values += source.normal(0, share * np.nanstd(values), len(values))
        return ["" if np.isnan(value) else f"{value:.{digits + 2}f}" for value in values]

    return _numbers_changed(frame, noisy)


def _more_columns(count: int, frame: Frame, random: Random, _: Sequence[bytes]) -> Frame:
    columns = frame.columns()
    added = [tuple(f"{random.gauss(50, 20):.3f}" for _ in frame.rows) for _ in range(count)]
    return Frame.of_columns([*frame.names, *(f"score{at}" for at in range(count))], [*columns, *added])


def _more_rows(share: float, frame: Frame, random: Random, others: Sequence[bytes]) -> Frame:
    """Add as many rows of another as `share` of the own ones, of a table with the same columns if there is one."""
    frames = [Frame.of_csv(other) for other in random.sample(list(others), len(others))]
    alike = next((one for one in frames if one.names == frame.names), frames[0])
    width, count = len(frame.names), int(share * len(frame.rows))
    fitted = [(row * width)[:width] for row in alike.rows]
    rows = [*frame.rows, *(random.choice(fitted) for _ in range(count))]
    random.shuffle(rows)
    return Frame(frame.names, tuple(rows))


def _numeric(cells: Sequence[str]) -> bool:
    return all(_DECIMAL.fullmatch(cell) for cell in cells if cell) and len(set(cells)) > 10


def _is_key(cells: Sequence[str]) -> bool:
    return len(set(cells)) == len(cells) and all(_WHOLE.fullmatch(cell) for cell in cells)


def _numbers_changed(frame: Frame, change: Callable[[Sequence[str]], list[str]]) -> Frame:
    columns = [change(cells) if _numeric(cells) and not _is_key(cells) else list(cells) for cells in frame.columns()]
    return Frame.of_columns(frame.names, columns)


def _as_csv(delimiter: str, quoting: int, frame: Frame) -> bytes:
    return frame.to_csv(delimiter, quoting)


def _as_parquet(frame: Frame) -> bytes:
    columns = [pa.array(_typed(cells)) for cells in frame.columns()]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, names=[f"{at} {name}" for at, name in enumerate(frame.names)]), file)
    return file.getvalue()


def _as_json_lines(frame: Frame) -> bytes:
    columns = [_typed(cells) for cells in frame.columns()]
    lines = (json.dumps(dict(zip(frame.names, row, strict=True))) for row in zip(*columns, strict=True))
    return "\n".join(lines).encode()


def _as_exponents(frame: Frame) -> bytes:
    columns = [
        [f"{float(cell):.12e}" if cell else cell for cell in cells] if _numeric(cells) else list(cells)
        for cells in frame.columns()
    ]
    return Frame.of_columns(frame.names, columns).to_csv()


def _as_germans_write(frame: Frame) -> bytes:
    columns = [
        [cell.replace(".", ",") for cell in cells] if _numeric(cells) else [cell.replace("T", " ") for cell in cells]
        for cells in frame.columns()
    ]
    return Frame.of_columns(frame.names, columns).to_csv(";")


def _typed(cells: Sequence[str]) -> list[float | int | str | None]:
    if all(_WHOLE.fullmatch(cell) for cell in cells if cell):
        return [int(cell) if cell else None for cell in cells]
    if all(_DECIMAL.fullmatch(cell) for cell in cells if cell):
        return [float(cell) if cell else None for cell in cells]
    return [cell or None for cell in cells]


def _edit(*changes: Change, write: Write = Frame.to_csv) -> Edit:
    def edit(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
        frame = Frame.of_csv(data)
        for change in changes:
            frame = change(frame, random, others)
        return write(frame)

    return edit


def _attacks(
    name: str, make: Callable[..., Frame], calibrated: Sequence[float], held_back: Sequence[float]
) -> list[Attack]:
    return [
        Attack(name.format(value), _edit(partial(make, value)), held_back=value in held_back)
        for value in (*calibrated, *held_back)
    ]


ATTACKS: Final[tuple[Attack, ...]] = (
    *_attacks("random rows, {:.0%}", _random_rows, (0.1, 0.5), (0.2, 0.9)),
    *_attacks("rows in sequence, {:.0%}", _contiguous_rows, (0.1, 0.5), (0.25, 0.75)),
    *_attacks("rows with the greatest values, {:.0%}", _rows_above, (0.2, 0.6), (0.1, 0.4)),
    *_attacks("{} columns", _some_columns, (3, 5), (2, 4)),
    Attack("rows and columns shuffled", _edit(_shuffled), held_back=False),
    Attack("shuffled and renamed", _edit(_shuffled, _renamed), held_back=True),
    *_attacks("rounded to {} digits", _rounded, (4, 2), (3, 5)),
    *_attacks("noise, {:.1%}", _noisy, (0.001, 0.05), (0.01, 0.03)),
    *_attacks("{} columns added", _more_columns, (1, 4), (2, 6)),
    *_attacks("rows added, {:.0%}", _more_rows, (0.5, 1.0), (0.3, 2.0)),
    Attack("Parquet", _edit(write=_as_parquet), held_back=False),
    Attack("JSON lines", _edit(write=_as_json_lines), held_back=True),
    Attack("tabs", _edit(write=partial(_as_csv, "\t", csv.QUOTE_MINIMAL)), held_back=False),
    Attack("all quoted", _edit(write=partial(_as_csv, "|", csv.QUOTE_ALL)), held_back=True),
    Attack("exponents", _edit(write=_as_exponents), held_back=False),
    Attack("semicolons and decimal commas", _edit(write=_as_germans_write), held_back=True),
)
"""Each attack by itself."""

COMBINED: Final[tuple[Attack, ...]] = tuple(
    Attack(name, _edit(*changes, write=write), held_back)
    for name, held_back, changes, write in (
        ("10 % of the rows, 3 columns", False, (partial(_random_rows, 0.1), partial(_some_columns, 3)), Frame.to_csv),
        ("30 % of the rows, 3 columns", True, (partial(_random_rows, 0.3), partial(_some_columns, 3)), Frame.to_csv),
        ("half of the rows, noise 1 %", False, (partial(_random_rows, 0.5), partial(_noisy, 0.01)), Frame.to_csv),
        ("30 % of the rows, noise 2 %", True, (partial(_random_rows, 0.3), partial(_noisy, 0.02)), Frame.to_csv),
        ("3 columns, noise 0.1 %", False, (partial(_some_columns, 3), partial(_noisy, 0.001)), Frame.to_csv),
        ("4 columns, noise 0.5 %", True, (partial(_some_columns, 4), partial(_noisy, 0.005)), Frame.to_csv),
        ("half of the rows, rounded to 3", False, (partial(_random_rows, 0.5), partial(_rounded, 3)), Frame.to_csv),
        ("sequence of 40 %, rounded to 4", True, (partial(_contiguous_rows, 0.4), partial(_rounded, 4)),
         Frame.to_csv),
        ("shuffled, noise 1 %, Parquet", False, (_shuffled, partial(_noisy, 0.01)), _as_parquet),
        ("shuffled, rounded to 3, JSON lines", True, (_shuffled, partial(_rounded, 3)), _as_json_lines),
        ("half of the rows, 2 columns added", False, (partial(_random_rows, 0.5), partial(_more_columns, 2)),
         Frame.to_csv),
        ("20 % of the rows, 3 columns added", True, (partial(_random_rows, 0.2), partial(_more_columns, 3)),
         Frame.to_csv),
        ("half of the rows, as many added", False, (partial(_random_rows, 0.5), partial(_more_rows, 1.0)),
         Frame.to_csv),
        ("4 columns, half as many rows added", True, (partial(_some_columns, 4), partial(_more_rows, 0.5)),
         Frame.to_csv),
        ("2 columns added, noise 1 %", False, (partial(_more_columns, 2), partial(_noisy, 0.01)), Frame.to_csv),
        ("half as many rows added, noise 1 %", True, (partial(_more_rows, 0.5), partial(_noisy, 0.01)), Frame.to_csv),
    )
)  # fmt: skip
"""Two attacks at once, or three."""
