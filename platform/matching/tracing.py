"""Trace a thing: which contract is bound to what this is a copy of, since when, and through which sales it went.

Anybody with an account may ask; no identity and no fingerprint is told, and the degree of likeness in words alone.
The supervisor is told the parties, too (R17).
"""

from collections.abc import Mapping
from typing import Any

from countermark.platform.contracts.market import load_market
from countermark.platform.matching.inquiries import Inquiries
from countermark.platform.matching.likeness import Likeness
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, and_, select
from countermark.protocol import searches, times
from countermark.protocol.transitions import ListingState, TradeState

KIND, ANSWER_KIND = "trace", "trace-answer"
"""Kinds of the sealed messages that carry a trace and its answer."""

LONGEST_ANSWER = 20
"""Most contracts in an answer."""

_IDENTICAL = 0.9995
"""From this score on the fingerprints say the same: the thing itself, or what nobody could tell from it."""


class Tracing:
    """Answers traces. May be shared between threads."""

    def __init__(self, inquiries: Inquiries) -> None:
        """Create a tracing on what ``inquiries`` takes."""
        self._inquiries = inquiries

    def answer(self, message: object) -> dict[str, Any]:
        """Return the sealed answer to a sealed trace, for the asker alone: ``{"contracts": [contract, …]}``.

        A contract is ``{"listing", "match", "sales", "samples", "since", "state"}``: ``match`` is ``identical``,
        ``copy`` or ``resembles``, ``samples`` how many of the samples match it, ``sales`` those that were settled.

        Raises:
            MarketError: a code of `Inquiries.take`.
        """
        inquiry = self._inquiries.take(message, kind=KIND, typ=searches.TRACE_TYP)
        with self._inquiries.database.begin() as connection:
            supervising = inquiry.signer == load_market(connection).supervisor.account
            contracts = _contracts(connection, inquiry.likenesses, supervising=supervising)
        return self._inquiries.answer(inquiry, {"contracts": contracts}, kind=ANSWER_KIND)


def _contracts(
    connection: Connection, likenesses: Mapping[str, Likeness], *, supervising: bool
) -> list[dict[str, Any]]:
    contracts = tables.data_contracts
    known = select(contracts.c.address, contracts.c.state, contracts.c.created_ms, contracts.c.owner).where(
        contracts.c.address.in_(list(likenesses)),
        contracts.c.state.is_not(None),
        contracts.c.state != str(ListingState.VOID),
    )
    rows = {row.address: row for row in connection.execute(known)}
    ranked = sorted(rows, key=lambda address: _rank(likenesses[address], rows[address].created_ms))[:LONGEST_ANSWER]
    sales = _sales(connection, ranked, supervising=supervising)
    found = []
    for address in ranked:
        row, likeness = rows[address], likenesses[address]
        contract = {
            "listing": address,
            "match": _degree(likeness),
            "sales": sales.get(address, []),
            "samples": len({mine for mine, _ in likeness.copies} | likeness.doubted),
            "since": times.to_text(row.created_ms),
            "state": row.state,
        }
        found.append({**contract, "owner": row.owner} if supervising else contract)
    return found


def _sales(connection: Connection, addresses: list[str], *, supervising: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the settled trades of each of ``addresses``, the first one first."""
    trades, transactions = tables.trades, tables.transactions
    query = (
        select(trades.c.id, trades.c.listing, trades.c.seller, trades.c.buyer, transactions.c.time_ms)
        .join(
            transactions,
            and_(transactions.c.tx_id == trades.c.updated_tx, transactions.c.block == trades.c.updated_block),
        )
        .where(trades.c.listing.in_(addresses), trades.c.state == str(TradeState.SETTLED))
        .order_by(trades.c.updated_block, transactions.c.position)
    )
    sales: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query):
        sale = {"at": times.to_text(row.time_ms)}
        parties = {"trade": row.id, "seller": row.seller, "buyer": row.buyer}
        sales.setdefault(row.listing, []).append({**sale, **parties} if supervising else sale)
    return sales


def _degree(likeness: Likeness) -> str:
    if not likeness.sure:
        return "resembles"
    return "identical" if likeness.score >= _IDENTICAL else "copy"


def _rank(likeness: Likeness, since_ms: int) -> tuple[bool, int, float, int]:
    return (not likeness.sure, -len(likeness.copies), -likeness.score, since_ms)
