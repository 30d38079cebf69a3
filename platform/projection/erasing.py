"""Take out of the tables what a contract has kept in private, with the block that has purged it from the ledger.

The row stays, and with it all that follows from the ledger. So a database that is restored from an older backup, or
made anew, loses it again as soon as it has applied that block.
"""

from typing import Final

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Text, bindparam, delete, select, tuple_, update

ERASED_TEXT: Final = ""
"""What is searched for words then: not null, which would mean that there is a description to be had."""

_contracts, _items, _registrations = tables.data_contracts, tables.item_fingerprints, tables.registrations
_this = bindparam("erased", type_=Text)
_COLUMNS = (
    update(_contracts)
    .where(_contracts.c.address == _this)
    .values(description=None, salt_d=None, fingerprint=None, fingerprint_root=None, search_text=ERASED_TEXT)
)
_ITEMS = delete(_items).where(_items.c.address == _this)
_same = _registrations.alias()
_ROOTS = (
    update(_registrations)
    .where(
        # Its own, and those of earlier applications of the same seller with the same data.
        tuple_(_registrations.c.seller, _registrations.c.fingerprint_root).in_(
            select(_same.c.seller, _same.c.fingerprint_root).where(
                _same.c.address == _this, _same.c.fingerprint_root != b""
            )
        )
    )
    .values(fingerprint_root=b"")
)


def erase(connection: Connection, address: str) -> None:
    """Empty the private columns of the contract ``address``, and delete the fingerprints of its items."""
    for statement in (_COLUMNS, _ITEMS, _ROOTS):
        connection.execute(statement, {"erased": address})
