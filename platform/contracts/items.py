"""The item fingerprints of one contract, in the order in which they give its root."""

from countermark.platform.matching.index import item_context
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, select


def read_items(connection: Connection, box: SecretBox, address: str) -> list[bytes]:
    """Return the canonical fingerprints of the contract ``address``, decrypted.

    Raises:
        MarketError: INTERNAL when one was damaged or moved.
    """
    items = tables.item_fingerprints
    rows = connection.execute(select(items).where(items.c.address == address)).all()
    # Sorted here, not by the database, whose collation may order names otherwise than the root does.
    return [
        box.open(row.segments, context=item_context(row.address, row.item, row.generator))
        for row in sorted(rows, key=lambda row: (row.generator, row.item))
    ]
