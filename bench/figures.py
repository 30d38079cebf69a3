"""Figures as a table: what was measured, the value, the bound that docs/performance.md names."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value and what it must not exceed, or not fall below."""

    what: str
    value: float
    unit: str
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def row(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "met" if self.met else "missed"
        return f"| {self.what} | {self.value:.3g} {self.unit} | {sign} {self.bound:g} {self.unit} | {verdict} |"


def show(*figures: Figure) -> None:
    """Print the figures as rows of a table."""
    sys.stdout.write("".join(f"{figure.row()}\n" for figure in figures))
    sys.stdout.flush()


def note(line: str) -> None:
    """Print what explains a figure."""
    sys.stdout.write(f"  {line}\n")
    sys.stdout.flush()


def median(values: Sequence[float]) -> float:
    """Return the middle one of `values` (p50)."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """Return p50, p95 and the number of `values`, which are seconds, in milliseconds."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"p50 {median(ordered) * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms, {len(ordered)} calls"
