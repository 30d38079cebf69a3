"""Where the ledger-derived columns of a database differ from those of another that has applied the same blocks.

The other is filled from the blocks of an auditor's own peer, so what differs was not written by the ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from countermark.platform.projection.derived import DERIVED, read_rows
from countermark.platform.store.sql import Connection, Table


class Change(StrEnum):
    """What became of a row."""

    MISSING = "missing"  # the ledger has made it, and it is not there
    SURPLUS = "surplus"  # it is there, and the ledger has not made it
    CHANGED = "changed"  # it says something else


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not as the ledger made it; ``columns`` names what differs in a row that was changed."""

    table: str
    key: tuple[Any, ...]
    change: Change
    columns: tuple[str, ...] = ()


def compare(kept: Connection, replayed: Connection) -> Iterator[Difference]:
    """Yield every row in which ``kept`` is not as ``replayed``; nothing when all is well. Takes constant memory."""
    for table, names in DERIVED:
        yield from _compare(table, names, read_rows(kept, table, names), read_rows(replayed, table, names))


def _compare(
    table: Table, names: tuple[str, ...], kept: Iterator[tuple[Any, ...]], replayed: Iterator[tuple[Any, ...]]
) -> Iterator[Difference]:
    positions = [names.index(key.name) for key in table.primary_key.columns]

    def key_of(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(row[position] for position in positions)

    ours, theirs = next(kept, None), next(replayed, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and key_of(ours) < key_of(theirs)):
            assert ours is not None
            yield Difference(table.name, key_of(ours), Change.SURPLUS)
            ours = next(kept, None)
        elif ours is None or key_of(theirs) < key_of(ours):
            yield Difference(table.name, key_of(theirs), Change.MISSING)
            theirs = next(replayed, None)
        else:
            differing = tuple(name for name, mine, yours in zip(names, ours, theirs, strict=True) if mine != yours)
            if differing:
                yield Difference(table.name, key_of(ours), Change.CHANGED, differing)
            ours, theirs = next(kept, None), next(replayed, None)
