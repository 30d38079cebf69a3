"""Make a listed description searchable: browsing (9-1) looks for its words in plain text.

A description is private until its contract is on the market for the first time, and public from then on.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import ColumnElement, Row, and_, or_, select, update
from countermark.protocol.description import Description
from countermark.protocol.transitions import ListingState

NEVER_PUBLIC = (str(ListingState.PENDING_FEE), str(ListingState.VOID))
"""States in which nobody but the seller is told of a contract, but for one that was voided by a trade."""


def is_public() -> ColumnElement[bool]:
    """Return the condition that a contract is, or was, on the market."""
    contracts = tables.data_contracts
    voided = and_(contracts.c.state == str(ListingState.VOID), contracts.c.trade != "")
    return or_(contracts.c.state.not_in(NEVER_PUBLIC), voided)


def search_text(description: Description) -> str:
    """Return the lower-case text in which the words of a query are looked for."""
    words = (description.title, description.text, *description.tags, description.media_type)
    return "\n".join(word for word in words if word).casefold()


class PublicationJob(LeasedJob[Row[Any]]):
    """Fills `search_text` of contracts that have come on the market; items are rows of `data_contracts`."""

    name: ClassVar[str] = "publication"

    def __init__(self, database: Database, *, columns: PrivateColumns) -> None:
        super().__init__(database)
        self._columns = columns

    def find(self) -> Iterable[Row[Any]]:
        """Return the rows whose description is public and not searchable yet."""
        contracts = tables.data_contracts
        query = select(contracts).where(
            contracts.c.state.is_not(None),
            is_public(),
            contracts.c.search_text.is_(None),
            # Null after an erasure (protocol.md, "Off-chain stores").
            contracts.c.description.is_not(None),
        )
        with self.database.autocommit() as connection:
            return connection.execute(query).all()

    def handle(self, item: Row[Any]) -> bool:
        """Fill the column of one row."""
        text = search_text(self._columns.description(item))
        contracts = tables.data_contracts
        # It may have been erased since it was found.
        still = update(contracts).where(contracts.c.address == item.address, contracts.c.description.is_not(None))
        with self.database.autocommit() as connection:
            return connection.execute(still.values(search_text=text)).rowcount > 0

    def describe(self, item: Row[Any]) -> str:
        """Return the contract's address."""
        return str(item.address)
