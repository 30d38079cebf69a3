"""One thing in which tables and ledger differ: where, and what each of the two says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from countermark.platform.projection import Change, Difference
from countermark.platform.store import tables

_NOTHING = object()
"""What stands in a JSON object under a name that it does not have."""


@dataclass(frozen=True, slots=True)
class Said:
    """What ledger and table say of one column, or of one member of a column that holds JSON; None for nothing.

    Of a private column neither is told: that they differ is all.
    """

    column: str
    ledger: object = None
    table: object = None
    private: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        if self.private:
            return {"column": self.column, "private": True}
        return {"column": self.column, "ledger": self.ledger, "table": self.table}


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A row, or some of the board, that differs."""

    table: str
    key: Mapping[str, Any]
    what: str
    """``missing``: the ledger has it, and the table does not; ``surplus``: the other way round; ``changed``; or what
    else is wrong, in a word."""
    said: tuple[Said, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        told = [one.to_json() for one in self.said]
        return {"table": self.table, "key": dict(self.key), "what": self.what, "said": told}


def of_difference(difference: Difference) -> Discrepancy:
    """Return a difference of ledger-derived columns, none of which is private."""
    table = tables.metadata.tables[difference.table]
    key = dict(zip((column.name for column in table.primary_key.columns), map(_shown, difference.key), strict=True))
    if difference.change is Change.CHANGED:
        said = tuple(
            one
            for name in difference.columns
            for one in _compared(name, difference.theirs[name], difference.ours[name])
        )
    else:
        # Columns of the key are told with it.
        row = difference.theirs if difference.change is Change.MISSING else difference.ours
        missing = difference.change is Change.MISSING
        said = tuple(
            Said(name, _shown(value), None) if missing else Said(name, None, _shown(value))
            for name, value in row.items()
            if name not in key
        )
    return Discrepancy(difference.table, key, str(difference.change), said)


def _compared(name: str, ledger: object, table: object) -> Iterator[Said]:
    """Yield what differs of a column; of JSON objects the members, to whatever depth, that do."""
    if isinstance(ledger, dict) and isinstance(table, dict):
        for member in sorted({*ledger, *table}):
            theirs, ours = ledger.get(member, _NOTHING), table.get(member, _NOTHING)
            if theirs != ours:
                yield from _compared(f"{name}.{member}", theirs, ours)
        return
    yield Said(name, _shown(ledger), _shown(table))


def _shown(value: object) -> object:
    if value is _NOTHING:
        return None
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
