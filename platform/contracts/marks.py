"""What the ledger has marked a contract with: a legal hold on it, or that its opening was purged.

Its record names either only where it is so.
"""

from countermark.platform.store import tables
from countermark.platform.store.sql import ColumnElement


def is_held() -> ColumnElement[bool]:
    """Return the condition that a legal hold lies on a contract; null where there is none."""
    return _is_marked("held")


def is_erased() -> ColumnElement[bool]:
    """Return the condition that a contract's opening was purged; null where it was not."""
    return _is_marked("erased")


def _is_marked(name: str) -> ColumnElement[bool]:
    # Spelled as in `ix_data_contracts_erased`, which would not be used otherwise.
    marked: ColumnElement[bool] = tables.data_contracts.c.record[name].astext == "true"
    return marked
