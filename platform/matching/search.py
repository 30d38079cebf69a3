"""Search by sample (9-2): which listings look like something the searcher has.

The answer holds contract addresses and nothing else, best first, sealed to the searcher's account (10).
"""

from collections.abc import Mapping
from typing import Any

from countermark.platform.matching.inquiries import Inquiries
from countermark.platform.matching.likeness import Likeness
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, select
from countermark.protocol import searches
from countermark.protocol.transitions import ListingState

KIND, ANSWER_KIND = "search", "search-answer"
"""Kinds of the sealed messages that carry a search and its answer."""

LONGEST_ANSWER = 20
"""Most addresses in an answer."""


class SampleSearch:
    """Answers searches. May be shared between threads."""

    def __init__(self, inquiries: Inquiries) -> None:
        """Create a search on what ``inquiries`` takes."""
        self._inquiries = inquiries

    def answer(self, message: object) -> dict[str, Any]:
        """Return the sealed answer to a sealed search: ``{"listings": [address, …]}`` for the searcher alone.

        Raises:
            MarketError: a code of `Inquiries.take`.
        """
        inquiry = self._inquiries.take(message, kind=KIND, typ=searches.TYP)
        with self._inquiries.database.begin() as connection:
            listings = _listed(connection, inquiry.likenesses)
        return self._inquiries.answer(inquiry, {"listings": listings}, kind=ANSWER_KIND)


def _listed(connection: Connection, likenesses: Mapping[str, Likeness]) -> list[str]:
    """Return those of the addresses that are on the market, the likest first."""
    contracts = tables.data_contracts
    listed = select(contracts.c.address).where(
        contracts.c.address.in_(list(likenesses)),
        contracts.c.state == str(ListingState.LISTED),
        contracts.c.claimed.is_not(True),
    )
    addresses = [row.address for row in connection.execute(listed)]
    return sorted(addresses, key=lambda address: _rank(likenesses[address], address))[:LONGEST_ANSWER]


def _rank(likeness: Likeness, address: str) -> tuple[bool, int, float, str]:
    # Of two collections that hold some of the samples, the one that holds more.
    return (not likeness.sure, -len(likeness.copies), -likeness.score, address)
