"""What the ledger has marked a contract with: a legal hold on it, or that its opening was purged.

Its record names either only where it is so.
"""

from countermark.platform.store import tables
from countermark.platform.store.sql import ColumnElement, Connection, select


def is_held() -> ColumnElement[bool]:
    """Return the condition that a legal hold lies on a contract; null where there is none."""
    return _is_marked("held")


def is_erased() -> ColumnElement[bool]:
    """Return the condition that a contract's opening was purged; null where it was not."""
    return _is_marked("erased")


def keeps_all(connection: Connection, address: str) -> bool:
    """Return whether a legal hold lies on the contract, where none is laid before the caller's transaction has ended.

    So a hold comes either before what he deletes or after it, never in between.
    """
    contracts = tables.data_contracts
    query = select(is_held()).where(contracts.c.address == address).with_for_update(read=True)
    return connection.execute(query).scalar_one_or_none() is True


def _is_marked(name: str) -> ColumnElement[bool]:
    # Spelled as in `ix_data_contracts_erased`, which would not be used otherwise.
    marked: ColumnElement[bool] = tables.data_contracts.c.record[name].astext == "true"
    return marked
