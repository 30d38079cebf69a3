"""What an evaluation has found, for people: one HTML file that needs nothing else, and curves as CSV."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from countermark.fingerprint.evaluation.evaluate import Evaluation, Found
from countermark.fingerprint.evaluation.scores import Point

__all__ = ["curve_csv", "html", "lines", "write"]

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "td,th{padding:.2rem .7rem;border-bottom:1px solid #ccc;text-align:right}"
    "td:first-child,th:first-child{text-align:left}svg{max-width:100%}"
)
_COLOURS: Final = ("#1f5fa8", "#b3541e", "#2b7a4b", "#7a3f8f", "#8a6d00", "#444444")
_WIDTH, _HEIGHT, _MARGIN = 640, 320, 45

Row = Sequence[str]


def write(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write the report into ``folder`` and return its files: HTML, JSON, and a curve of each strength as CSV.

    Raises:
        OSError: It cannot be written.
    """
    texts = {
        "report.html": html(evaluation),
        "report.json": json.dumps(evaluation.document(), indent=1) + "\n",
        **{f"curve-{name}.csv": curve_csv(found.curve) for name, found in evaluation.found.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


def lines(evaluation: Evaluation) -> list[str]:
    """Return the figures as lines of text."""
    found = []
    for name, head, rows in _tables(evaluation):
        widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        found += [
            "",
            name,
            *("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in (head, *rows)),
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
    parts = [f"<h1>Fingerprints by {escape(evaluation.generator)}</h1>", f"<p>{escape(_about(evaluation))}</p>"]
    if evaluation.found:
        curves = {name: found.curve for name, found in evaluation.found.items()}
        parts += ["<h2>Precision and recall by threshold</h2>", _plot(curves, evaluation.match)]
    for name, head, rows in _tables(evaluation):
        parts += [f"<h2>{escape(name)}</h2>", _table(head, rows)]
    title = escape(f"Fingerprints by {evaluation.generator}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _about(evaluation: Evaluation) -> str:
    return (
        f"{evaluation.photos} photographs, {evaluation.copies} copies of each at each strength, "
        f"seed {evaluation.seed}. "
        f"A score of at least {evaluation.match:g} is a match ({evaluation.config})."
    )


def _tables(evaluation: Evaluation) -> Iterable[tuple[str, Row, list[Row]]]:
    d = evaluation.different
    yield (
        "Different photographs",
        ("pairs", "match", "review", "listings refused", "listings to review", "highest score"),
        [(f"{d.pairs:,}", str(d.matching), str(d.reviewed), str(d.refused), str(d.delayed), f"{d.highest:.3f}")],
    )
    if evaluation.found:
        head = (
            *("copies", "number", "precision", "recall", "precision at recall 95 %"),
            *("recall at 0 false", "at 1e-6", "false per pair"),
        )
        yield "The paper's experiment", head, [_row(name, found) for name, found in evaluation.found.items()]
    if evaluation.hard:
        rows: list[Row] = [
            (name, str(r.copies), _share(r.matches / r.copies), _share(r.reviews / r.copies), f"{r.lowest:.3f}")
            for name, r in evaluation.hard.items()
        ]
        mean = sum(r.matches / r.copies for r in evaluation.hard.values()) / len(evaluation.hard)
        rows.append(("mean", "", _share(mean), "", ""))
        yield "Hard attacks", ("attack", "copies", "match", "review", "lowest score"), rows


def _row(name: str, found: Found) -> Row:
    return (
        *(name, f"{found.copies:,}", _share(found.at_match.precision), _share(found.at_match.recall)),
        *(
            _share(found.at_recall_95.precision),
            _share(found.at_no_false.recall),
            _share(found.at_one_in_a_million.recall),
        ),
        f"{found.at_match.false_positives:.2g}",
    )


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


def _table(head: Row, rows: Sequence[Row]) -> str:
    def cells(row: Row, tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"

    return "<table>" + cells(head, "th") + "".join(cells(row, "td") for row in rows) + "</table>"


def _plot(curves: Mapping[str, Sequence[Point]], match: float) -> str:
    """Return the paper's Figure 3 as SVG: precision (solid) and recall (dashed) of each strength by threshold."""

    def x(threshold: float) -> float:
        return _MARGIN + threshold * (_WIDTH - 2 * _MARGIN)

    def y(share: float) -> float:
        return _HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN)

    def line(points: Iterable[tuple[float, float]], colour: str, dash: str = "") -> str:
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'

    def text(a: float, b: float, words: str, anchor: str = "middle") -> str:
        return f'<text x="{a:.1f}" y="{b:.1f}" font-size="12" text-anchor="{anchor}">{escape(words)}</text>'

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="precision and recall by threshold">']
    for tenth in range(0, 11, 2):
        share = tenth / 10
        parts += [line([(share, 0), (share, 1)], "#eee"), line([(0, share), (1, share)], "#eee")]
        parts += [text(x(share), _HEIGHT - 25, f"{share:g}"), text(_MARGIN - 6, y(share) + 4, f"{tenth}0 %", "end")]
    parts.append(line([(match, 0), (match, 1)], "#999", "2 3"))
    for number, (name, curve) in enumerate(curves.items()):
        colour, some = _COLOURS[number % len(_COLOURS)], curve[::20]
        parts.append(line([(point.threshold, point.precision) for point in some], colour))
        parts.append(line([(point.threshold, point.recall) for point in some], colour, "6 4"))
        parts.append(f'<g fill="{colour}">{text(_MARGIN + 8, y(0.5) + 16 * number, name, "start")}</g>')
    parts.append(text(_WIDTH / 2, _HEIGHT - 8, "threshold; solid: precision, dashed: recall"))
    return "".join([*parts, "</svg>"])
