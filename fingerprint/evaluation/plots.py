"""Curves by threshold as SVG that needs nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from countermark.fingerprint.evaluation.scores import Point

__all__ = ["Curve", "plot", "precision_and_recall"]

_COLOURS: Final = ("#1f5fa8", "#b3541e", "#2b7a4b", "#7a3f8f", "#8a6d00", "#444444")
_WIDTH, _HEIGHT, _MARGIN, _LEGEND = 640, 320, 45, 130
_SAMPLED: Final = 20
"""Every so many points of a curve are drawn: there are more than pixels."""

XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn in one colour: points of two lines, one solid and one dashed, both coordinates from 0 to 1."""

    solid: Sequence[XY]
    dashed: Sequence[XY]


def precision_and_recall(curves: Mapping[str, Sequence[Point]], match: float | None) -> str:
    """Return the paper's Figure 3: precision (solid) and recall (dashed) by threshold, of each name.

    A threshold `match` is marked.
    """
    drawn = {
        name: Curve(
            [(point.threshold, point.precision) for point in curve[::_SAMPLED]],
            [(point.threshold, point.recall) for point in curve[::_SAMPLED]],
        )
        for name, curve in curves.items()
    }
    return plot(drawn, [] if match is None else [match], "threshold; solid: precision, dashed: recall")


def plot(curves: Mapping[str, Curve], marks: Sequence[float], caption: str) -> str:
    """Return a plot of `curves`, named beside it, with upright lines at `marks` and `caption` below."""
    parts = [f'<svg viewBox="0 0 {_WIDTH + _LEGEND} {_HEIGHT}" role="img" aria-label="{escape(caption)}">', _grid()]
    parts += [_line([(mark, 0), (mark, 1)], "#999", "2 3") for mark in marks]
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        parts += [_line(curve.solid, colour), _line(curve.dashed, colour, "6 4")]
        legend = _text(_WIDTH - _MARGIN + 12, _MARGIN + 10 + 18 * number, name, "start")
        parts.append(f'<g fill="{colour}">{legend}</g>')
    return "".join([*parts, _text(_WIDTH / 2, _HEIGHT - 8, caption), "</svg>"])


def _grid() -> str:
    parts = []
    for tenth in range(0, 11, 2):
        share = tenth / 10
        parts += [_line([(share, 0), (share, 1)], "#eee"), _line([(0, share), (1, share)], "#eee")]
        parts += [
            _text(_x(share), _HEIGHT - 25, f"{share:g}"),
            _text(_MARGIN - 6, _y(share) + 4, f"{10 * tenth} %", "end"),
        ]
    return "".join(parts)


def _x(value: float) -> float:
    return _MARGIN + value * (_WIDTH - 2 * _MARGIN)


def _y(share: float) -> float:
    return _HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN)


def _line(points: Iterable[XY], colour: str, dash: str = "") -> str:
    path = " ".join(f"{_x(a):.1f},{_y(b):.1f}" for a, b in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" text-anchor="{anchor}">{escape(words)}</text>'
