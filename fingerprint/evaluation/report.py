"""What an evaluation has found, for people: one HTML file that needs nothing else, and curves as CSV."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from countermark.fingerprint.evaluation.evaluation import Evaluation
from countermark.fingerprint.evaluation.scores import Point
from countermark.fingerprint.evaluation.sections import Row, Section, sections

__all__ = ["curve_csv", "html", "lines", "write"]

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "td,th{padding:.2rem .7rem;border-bottom:1px solid #ccc;text-align:right}"
    "td:first-child,th:first-child{text-align:left}svg{max-width:100%}"
)


def write(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write the report into ``folder`` and return its files: HTML, JSON, and each curve as CSV.

    Raises:
        OSError: It cannot be written.
    """
    texts = {
        "report.html": html(evaluation),
        "report.json": json.dumps(evaluation.document(), indent=1) + "\n",
        **{f"curve-{name}.csv": curve_csv(curve) for name, curve in _curves(evaluation)},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


def lines(evaluation: Evaluation) -> list[str]:
    """Return the figures as lines of text."""
    found = []
    for section in sections(evaluation):
        table = (section.head, *section.rows)
        widths = [max(len(row[column]) for row in table) for column in range(len(section.head))]
        found += [
            "",
            section.title,
            *("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in table),
            *([section.note] if section.note else []),
        ]
    return [line.rstrip() for line in found[1:]]


def curve_csv(curve: Sequence[Point]) -> str:
    """Return a curve as CSV: threshold, precision, recall and false positives per pair."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["threshold", "precision", "recall", "false_positives"])
    for point in curve:
        writer.writerow([point.threshold, point.precision, point.recall, point.false_positives])
    return text.getvalue()


def html(evaluation: Evaluation) -> str:
    """Return the whole report as an HTML document without anything from elsewhere."""
    title = escape(f"Fingerprints by {evaluation.generator}")
    parts = [f"<h1>{title}</h1>", f"<p>{escape(_about(evaluation))}</p>", *map(_section, sections(evaluation))]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _curves(evaluation: Evaluation) -> Iterator[tuple[str, Sequence[Point]]]:
    for name, found in evaluation.found.items():
        yield name, found.score.curve
        for part, figures in {**found.features, **found.peers}.items():
            yield f"{name}-{part}", figures.curve


def _about(evaluation: Evaluation) -> str:
    return (
        f"{evaluation.photos} photographs, {evaluation.copies} copies of each at each strength, "
        f"seed {evaluation.seed}. "
        f"A score of at least {evaluation.match:g} is a match, one of at least {evaluation.review:g} is to be "
        f"reviewed ({evaluation.config})."
    )


def _section(section: Section) -> str:
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    return f"<h2>{escape(section.title)}</h2>{section.plot}{_table(section.head, section.rows)}{note}"


def _table(head: Row, rows: Sequence[Row]) -> str:
    def cells(row: Row, tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"

    return "<table>" + cells(head, "th") + "".join(cells(row, "td") for row in rows) + "</table>"
