"""``table/v1``: pairs of cells, sampled, and the extreme rows of each column."""

from collections.abc import Sequence
from itertools import chain
from typing import BinaryIO, Final

import numpy as np

from countermark.fingerprint.codec import Fingerprint, Segment
from countermark.fingerprint.comparison import Comparison
from countermark.fingerprint.table import MOST_COLUMNS, SHAPE
from countermark.fingerprint.table.batches import Portion, Table
from countermark.fingerprint.table.cells import MISSING
from countermark.fingerprint.table.describe import ColumnSketch
from countermark.fingerprint.table.extremes import ExtremeRows
from countermark.fingerprint.table.gallery import Gallery
from countermark.fingerprint.table.matching import compare_all
from countermark.fingerprint.table.pairs import PairSampler
from countermark.fingerprint.table.reading import read_table
from countermark.fingerprint.table.tables import Known

__all__ = ["GENERATOR", "compare_many", "compute", "index", "is_featureless"]

GENERATOR: Final = "table/v1"


def compute(source: BinaryIO) -> Fingerprint:
    """Return the fingerprint of the table that `source` yields.

    Raises:
        FingerprintError: as `read_table`.
    """
    return _fingerprint_of(read_table(source))


def compare_many(query: Fingerprint, references: Sequence[Fingerprint]) -> list[Comparison]:
    """Return how the table of `query` compares with that of each of `references`."""
    return compare_all(Known.of(query), [Known.of(reference) for reference in references], GENERATOR)


def is_featureless(fingerprint: Fingerprint) -> bool:
    """Return whether a table has too few cells that tell it from others."""
    return Known.of(fingerprint).is_featureless


def index() -> Gallery:
    """Return an empty index."""
    return Gallery()


def _fingerprint_of(table: Table) -> Fingerprint:
    first = next(table.portions, None)
    chosen = [] if first is None else _chosen(table.names, first[1], first[0])
    sketches = [ColumnSketch() for _ in chosen]
    pairs, extremes, rows = PairSampler(), ExtremeRows(len(chosen)), 0
    for count, portion in chain([] if first is None else [first], table.portions):
        columns = [portion(place) for place in chosen]
        rows += count
        row_hashes = sum((cells.hashes for cells in columns), np.zeros(count, np.uint64))
        for sketch, cells in zip(sketches, columns, strict=True):
            sketch.add(cells)
        pairs.add(columns, row_hashes)
        extremes.add(columns, row_hashes)
    described = [sketch.column() for sketch in sketches]
    return Fingerprint(
        GENERATOR,
        (
            Segment("shape", SHAPE.pack(rows, len(table.names), pairs.row_effective(rows))),
            Segment("columns", b"".join(column.to_bytes() for column in described)),
            Segment("pairs", pairs.sketch(described, rows).to_bytes()),
            Segment("rows", extremes.rows(described)),
        ),
    )


def _chosen(names: Sequence[str], portion: Portion, rows: int) -> list[int]:
    """Return the places of the columns that are described: of very many those with most different values."""
    if len(names) <= MOST_COLUMNS:
        return list(range(len(names)))
    ranks = []
    for place, name in enumerate(names):
        cells = portion(place)
        different = len(np.unique(cells.hashes[cells.hashes != MISSING]))
        # Among columns alike the name decides, which a part of the rows has, too.
        ranks.append((-(16 * different // max(rows, 1)), name, place))
    return sorted(place for _, _, place in sorted(ranks)[:MOST_COLUMNS])
