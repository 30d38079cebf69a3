"""How far the projection has come."""

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, func, select

_LAST_BLOCK = select(tables.checkpoint.c.block_number)


def height(connection: Connection) -> int:
    """Return how many blocks of the ledger were applied."""
    number = connection.execute(_LAST_BLOCK).scalar_one_or_none()
    return 0 if number is None else int(number) + 1


def newest_fingerprint(connection: Connection) -> int:
    """Return the number of the last fingerprint registered, 0 while there is none."""
    query = select(func.coalesce(func.max(tables.item_fingerprints.c.seq), 0))
    return int(connection.execute(query).scalar_one())
