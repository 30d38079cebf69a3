"""Comparing a table with many: first by pairs of cells that are exactly the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.sketch.sample import Hashes
from countermark.fingerprint.table import WHOLE_ROW
from countermark.fingerprint.table.config import SHORT_OF_MATCH, V1, TableConfig
from countermark.fingerprint.table.pairs import columns_of, contents_of
from countermark.fingerprint.table.robust import row_agreement
from countermark.fingerprint.table.tables import Known

__all__ = ["Agreement", "agreement", "compare_all"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two tables have in common exactly.

    Attributes:
        common: Sampled pairs of cells that both have.
        by_chance: How many of them unrelated tables would share.
        share: The greater of the two tables' shares that are in the other, beyond chance, 0 to 1.
        measured: How many columns of numbers take part.
    """

    common: int
    by_chance: float
    share: float
    measured: int


def compare_all(query: Known, references: Sequence[Known], generator: str) -> list[Comparison]:
    """Return how `query` compares with each of `references`."""
    return [_compare(query, reference, generator) for reference in references]


def agreement(first: Known, second: Known) -> Agreement:
    """Return what two tables have in common exactly."""
    level = max(first.sketch.level, second.sketch.level)
    one, other = first.sketch.at(level), second.sketch.at(level)
    of_one, of_other = _in_both(contents_of(one), contents_of(other))
    if not len(of_one):
        return Agreement(0, 0.0, 0.0, 0)
    sides = [_side(first, second, one, of_one), _side(second, first, other, of_other)]
    return max(sides, key=lambda side: side.share)


def _in_both(one: Hashes, other: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where in two ascending arrays what they have in common comes first."""
    different = np.flatnonzero(np.append(True, one[1:] != one[:-1])[: len(one)])
    places = other.searchsorted(one[different])
    inside = places < len(other)
    different, places = different[inside], places[inside]
    same = other[places] == one[different]
    return different[same], places[same]


def _side(known: Known, other: Known, hashes: Hashes, common: NDArray[np.int64]) -> Agreement:
    """Return what of a table with these `hashes` is in another, which has those at `common`, beyond chance."""
    chances = known.chances(other)[columns_of(hashes)]
    telling = chances <= V1.greatest_chance
    possible, expected = int(telling.sum()), float(chances[telling].sum())
    common = common[telling[common]]
    share = float(np.clip((len(common) - expected) / max(possible - expected, 1.0), 0.0, 1.0))
    return Agreement(len(common), expected, share, _measured(known, hashes[common]))


def _measured(known: Known, hashes: Hashes) -> int:
    groups = np.unique(columns_of(hashes))
    columns = np.unique(np.concatenate([groups >> 8, groups & 255]))
    columns = columns[columns != WHOLE_ROW]
    return int(known.measured[columns].sum())


def _compare(first: Known, second: Known, generator: str, config: TableConfig = V1) -> Comparison:
    if first.is_featureless or second.is_featureless:
        return Comparison("different", 0.0, ("too few cells that tell a table from others",), generator, config.id)
    score, reasons = _by_pairs(agreement(first, second), config)
    if score < config.thresholds.match and (rows := row_agreement(first, second)) is not None:
        score = config.thresholds.match + (1 - config.thresholds.match) * rows.rows / rows.possible
        reasons = (
            f"{rows.rows} extreme rows are the same in {rows.columns} columns, within {rows.tolerance} deviations",
            *reasons,
        )
    return Comparison(config.thresholds.decide(score), score, reasons, generator, config.id)


def _by_pairs(found: Agreement, config: TableConfig) -> tuple[float, tuple[str, ...]]:
    beyond = found.common - found.by_chance
    if found.common < config.least_common or beyond < config.deviations * np.sqrt(found.by_chance):
        return 0.0, ("no more cells in common than by chance",)
    reasons = (f"{found.share:.0%} of the sampled pairs of cells of one table are in the other",)
    if found.measured >= config.least_measured or found.share >= config.names_only:
        return found.share, reasons
    bound = config.thresholds.match if found.share >= config.names_review else config.thresholds.review
    return min(found.share, bound - SHORT_OF_MATCH), (
        *reasons,
        "what they share may be names and codes that everybody uses",
    )
