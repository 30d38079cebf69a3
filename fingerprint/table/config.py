"""Thresholds of the generators of tables: versioned, with an id that goes with every decision.

A published id never changes its numbers. How they were calibrated: docs/fingerprints.md.
"""

from dataclasses import dataclass
from typing import Final

from countermark.fingerprint.comparison import Thresholds

__all__ = ["SHORT_OF_MATCH", "V1", "V1_ROWS", "RowRule", "TableConfig"]

SHORT_OF_MATCH: Final = 0.01
"""How far below the threshold a score is kept that is not to be a match: a person looks."""


@dataclass(frozen=True, slots=True)
class TableConfig:
    """When two tables are a match.

    Attributes:
        id: Names these numbers for ever.
        thresholds: Shares of a table's pairs of cells, beyond those expected by chance, that are in the other.
        names_only: The share from which it is a match where fewer than `least_measured` columns of numbers agree:
            names and codes are common knowledge.
        names_review: The share from which it is then to be reviewed.
        least_measured: Columns of numbers that lie on no grid, of those that agree, from which `thresholds` hold.
        least_common: Pairs of cells in common from which a share is one.
        greatest_chance: Pairs of cells that an unrelated table has with a greater chance do not count.
        deviations: By how many standard deviations they exceed what is expected by chance.
        fewest_pairs: Pairs of cells below which a table is featureless.
    """

    id: str
    thresholds: Thresholds
    names_only: float
    names_review: float
    least_measured: int
    least_common: int
    greatest_chance: float
    deviations: float
    fewest_pairs: int


@dataclass(frozen=True, slots=True)
class RowRule:
    """When extreme rows of two tables are the same within a tolerance.

    Attributes:
        tolerances: In standard deviations of a column, the least first.
        likeliest: Columns of the other table that are tried for each.
        most_unlike: Standard deviations that the quantiles of two columns that are tried are apart on average.
        greatest_chance: A column in which more of all pairs of rows agree tells nothing.
        voters: Pairs of rows that say which column is which.
        least_votes: The share of them that has to agree on a column.
        least_bits: How improbable, as a power of a half, it is that two rows agree in all columns.
        may_differ: The share of the columns in which a row may differ.
        least_rows: Rows that agree, at least.
        least_ratio: How many times as many as by chance.
        aligned: Share of the rows with the same key that agree in a column which then is the same.
        aligned_columns: Share of the measured columns that are then the same, and two at least.
    """

    tolerances: tuple[float, ...]
    likeliest: int
    most_unlike: float
    greatest_chance: float
    voters: int
    least_votes: float
    least_bits: float
    may_differ: float
    least_rows: int
    least_ratio: float
    aligned: float
    aligned_columns: float


V1_ROWS: Final = RowRule(
    tolerances=(0.004, 0.03, 0.12),
    likeliest=3,
    most_unlike=1.0,
    greatest_chance=0.4,
    voters=48,
    least_votes=0.7,
    least_bits=10.0,
    may_differ=0.2,
    least_rows=8,
    least_ratio=4.0,
    aligned=0.85,
    aligned_columns=0.6,
)

V1: Final = TableConfig(
    id="table/v1+2",
    thresholds=Thresholds(match=0.25, review=0.12),
    names_only=0.6,
    names_review=0.3,
    least_measured=2,
    least_common=5,
    greatest_chance=0.2,
    deviations=6.0,
    fewest_pairs=24,
)
