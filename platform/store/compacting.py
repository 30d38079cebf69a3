"""Write tables anew from which contracts were erased, so that the files of the database have no older rows of them.

What is updated or deleted stays where it was in a table's file until something is written over it. Most of what is
private is sealed; the words of descriptions, by which listings are searched for, are not.
"""

from typing import Final

from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Table, text

ERASED_FROM: Final[tuple[Table, ...]] = (
    tables.data_contracts,
    tables.item_fingerprints,
    tables.registrations,
    tables.probes,
    tables.outbox,
)
"""Tables in which an erasure, or the end of a registration, leaves rows of before."""


def compact(database: Database) -> None:
    """Write these tables anew, one after the other; each is locked meanwhile.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    with database.autocommit() as connection:
        for table in ERASED_FROM:
            # Its old files are emptied when it commits, those of long values among them.
            connection.execute(text(f"VACUUM (FULL) {table.name}"))
