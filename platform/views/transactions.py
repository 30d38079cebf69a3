"""Transactions that other gateways submitted, as the blocks tell of them."""

from dataclasses import dataclass

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, select


@dataclass(frozen=True, slots=True)
class Ordered:
    """A transaction of a block: whether it was valid, and Fabric's name of the peers' verdict."""

    tx_id: str
    function: str
    valid: bool
    code_name: str


def find_ordered(connection: Connection, tx_id: str) -> Ordered | None:
    """Return the transaction, None while no applied block holds it."""
    table = tables.transactions
    # An id that was ordered twice is valid at most once, and that one counts.
    query = select(table).where(table.c.tx_id == tx_id).order_by(table.c.valid.desc(), table.c.block).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Ordered(row.tx_id, row.function, row.valid, row.code_name)
