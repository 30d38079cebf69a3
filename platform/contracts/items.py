"""The item fingerprints of one contract, in the order in which they give its root."""

from collections.abc import Iterator, Sequence

from countermark.platform.matching.index import item_context
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, select, tuple_
from countermark.protocol.errors import ErrorCode, MarketError

_AT_ONCE = 256
"""How many are read at a time, so that of a large collection few sealed ones are held at once."""

Place = tuple[str, int]
"""A generator, and the place among the contract's fingerprints by it."""


def item_places(connection: Connection, address: str) -> list[Place]:
    """Return where the fingerprints of the contract ``address`` stand, in their order."""
    items = tables.item_fingerprints
    rows = connection.execute(select(items.c.generator, items.c.item).where(items.c.address == address))
    # Sorted here, not by the database, whose collation may order names otherwise than the root does.
    return sorted((row.generator, row.item) for row in rows)


def read_at(connection: Connection, box: SecretBox, address: str, places: Sequence[Place]) -> list[bytes]:
    """Return the canonical fingerprints at ``places`` of the contract ``address``, in that order, decrypted.

    Raises:
        MarketError: NOT_FOUND when one is gone; INTERNAL when one was damaged or moved.
    """
    items = tables.item_fingerprints
    query = select(items).where(items.c.address == address, tuple_(items.c.generator, items.c.item).in_(list(places)))
    rows = {(row.generator, row.item): row for row in connection.execute(query)}
    if len(rows) < len(places):
        raise MarketError(ErrorCode.NOT_FOUND, "the fingerprints of the items have gone meanwhile")
    return [box.open(rows[place].segments, context=item_context(address, place[1], place[0])) for place in places]


def read_items(connection: Connection, box: SecretBox, address: str) -> Iterator[bytes]:
    """Yield the canonical fingerprints of the contract ``address``, decrypted.

    Raises:
        MarketError: as `read_at`.
    """
    places = item_places(connection, address)
    for start in range(0, len(places), _AT_ONCE):
        yield from read_at(connection, box, address, places[start : start + _AT_ONCE])
