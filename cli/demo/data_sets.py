"""The demo's collections and tables: made up here, besides the photographs; and what a thief makes of them."""

import csv
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random

from countermark.cli.demo.pictures import Pictures, disguise
from countermark.fingerprint.evaluation.kinds.made_tables import made_table
from countermark.fingerprint.evaluation.kinds.prose import Subject, prose

TEXTS = 36
"""Reports of the collection that is traded; the photographs come on top."""

_WORDS = 400
_ROWS = 2000


@dataclass(frozen=True)
class DataSets:
    """What is offered, and by whom: folders and one table."""

    collection: Path
    """Of the seller: reports and photographs."""
    stolen: Path
    """Of the thief: two fifths of it edited, the rest his own."""
    borrowed: Path
    """Of the thief: a seventh of it edited, the rest his own."""
    honest: Path
    """Of an honest seller: his own reports, and the licence that stands in the seller's collection, too."""
    table: Path
    sample: Path
    """Some rows and columns of the table, shuffled, renamed and rounded, as JSON lines."""
    copy: Path
    """The table as a thief offers it: fewer rows, other names, rounded."""


def make_data_sets(pictures: Pictures, into: Path) -> DataSets:
    """Write everything into the folder ``into``."""
    folders = {name: into / name for name in ("collection", "stolen", "borrowed", "honest")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    collection = folders["collection"]
    for number in range(TEXTS):
        (collection / f"report-{number:02d}.txt").write_text(_report(number))
    for photo in (pictures.traded, *pictures.others):
        shutil.copy(photo, collection / photo.name)
    licence = _report(1000)
    for folder in (collection, folders["honest"]):
        (folder / "LICENCE.txt").write_text(licence)
    total = TEXTS + len(pictures.others) + 2
    _steal(collection, folders["stolen"], round(0.4 * total), total)
    _steal(collection, folders["borrowed"], round(0.15 * total), total)
    for number in range(total - 1):
        (folders["honest"] / f"notes-{number:02d}.txt").write_text(_report(3000 + number))
    table = into / "measurements.csv"
    table.write_bytes(made_table("people", 7, _ROWS))
    return DataSets(
        collection,
        folders["stolen"],
        folders["borrowed"],
        folders["honest"],
        table,
        _sampled(table, into / "sample.jsonl"),
        _thinned(table, into / "mine.csv"),
    )


def _report(seed: int) -> str:
    return prose(Subject(seed), seed, _WORDS)


def _steal(collection: Path, into: Path, count: int, total: int) -> None:
    """Write edited copies of ``count`` files, and as many files of the thief's own that there are ``total``."""
    first = len(list(into.parent.glob("*/x-*")))
    pictures = sorted(path for path in collection.iterdir() if path.suffix != ".txt")[:1]
    # The first ones the buyer will sell as a set of their own, of which a few would be a large share.
    reports = sorted(collection.glob("report-*.txt"), reverse=True)[: count - len(pictures)]
    for path in reports:
        (into / f"x-{path.name}").write_text(_edited(path.read_text(), path.name))
    for path in pictures:
        disguise(path, into)
    for number in range(total - count):
        (into / f"own-{number:02d}.txt").write_text(_report(5000 + first + number))


def _edited(text: str, name: str) -> str:
    """Return ``text`` as a thief rewrites it: every tenth word another, paragraphs in another order."""
    random = Random(name)  # noqa: S311 - an edit, not a secret
    paragraphs = [
        " ".join("something" if random.random() < 0.1 else word for word in paragraph.split())
        for paragraph in text.split("\n\n")
    ]
    random.shuffle(paragraphs)
    return "\n\n".join(paragraphs)


def _sampled(table: Path, sample: Path) -> Path:
    """Write every third row of ``table``, some columns under other names, as JSON lines: what a buyer has of it."""
    names, rows = _read(table)
    kept = [place for place in range(len(names)) if place % 2 == 0]
    lines = (json.dumps({f"c{place}": _number(row[place]) for place in kept}) for row in rows[::3])
    sample.write_text("\n".join(lines) + "\n")
    return sample


def _thinned(table: Path, copy: Path) -> Path:
    """Write ``table`` as a thief offers it: two thirds of the rows in another order, rounded, under other names."""
    names, rows = _read(table)
    kept = [row for number, row in enumerate(rows) if number % 3]
    Random(1).shuffle(kept)  # noqa: S311 - an edit, not a secret
    lines = [";".join(f"x{place}" for place in range(len(names)))]
    lines += [";".join(_rounded(cell) for cell in row) for row in kept]
    copy.write_text("\n".join(lines) + "\n")
    return copy


def _read(table: Path) -> tuple[list[str], list[list[str]]]:
    names, *rows = csv.reader(io.StringIO(table.read_text(), newline=""))
    return names, rows


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _rounded(cell: str) -> str:
    number = _number(cell)
    return f"{number:.4g}" if isinstance(number, float) else number
