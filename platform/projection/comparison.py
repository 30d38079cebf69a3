"""Where the ledger-derived columns of a database differ from those of another that has applied the same blocks.

The other is filled from the blocks of an auditor's own peer, so what differs was not written by the ledger.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
    ours: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The row as it is kept: all of it, or of a row that was changed, what differs; empty where it is missing."""
    theirs: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The same as the ledger made it."""


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
            yield Difference(table.name, key_of(ours), Change.SURPLUS, ours=dict(zip(names, ours, strict=True)))
            ours = next(kept, None)
        elif ours is None or key_of(theirs) < key_of(ours):
            yield Difference(table.name, key_of(theirs), Change.MISSING, theirs=dict(zip(names, theirs, strict=True)))
            theirs = next(replayed, None)
        else:
            said = {
                name: (mine, yours) for name, mine, yours in zip(names, ours, theirs, strict=True) if mine != yours
            }
            if said:
                mine, yours = ({name: pair[side] for name, pair in said.items()} for side in (0, 1))
                yield Difference(table.name, key_of(ours), Change.CHANGED, tuple(said), mine, yours)
            ours, theirs = next(kept, None), next(replayed, None)
