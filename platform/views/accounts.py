"""An account and its money, for the account itself; and how its trades have ended, for whoever trades with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from countermark.platform.store import coins, tables
from countermark.platform.store.sql import Column, Connection, func, select
from countermark.platform.views import cursors
from countermark.protocol import conduct, fields
from countermark.protocol.claims import Claimed
from countermark.protocol.conduct import Mark
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.money import Coin
from countermark.protocol.transitions import Actor, Outcome, TradeState


@dataclass(frozen=True, slots=True)
class Purse:
    """A page of an account's unspent coins, their sum over all pages in minor units, and the next page's cursor."""

    coins: tuple[Coin, ...]
    balance: int
    cursor: str


def load_account(connection: Connection, address: str) -> dict[str, Any]:
    """Return the ledger's record of the account.

    Raises:
        MarketError: UNKNOWN_ACCOUNT.
    """
    accounts = tables.accounts
    row = connection.execute(select(accounts.c.record).where(accounts.c.address == address)).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.UNKNOWN_ACCOUNT, "no account has this address")
    record: dict[str, Any] = row.record
    return record


def load_purse(connection: Connection, owner: str, *, cursor: str = "", limit: int = cursors.LONGEST_PAGE) -> Purse:
    """Return a page of the unspent coins of `owner`, ordered by id.

    Raises:
        MarketError: MALFORMED_REQUEST for a cursor that cannot be.
    """
    table = tables.coins
    query = select(table).where(table.c.owner == owner, table.c.spent_tx.is_(None))
    if cursor:
        (after,) = cursors.decode(cursor, fields.text(100))
        query = query.where(table.c.id > after)
    rows = connection.execute(query.order_by(table.c.id).limit(limit + 1)).all()
    page = tuple(Coin(row.id, row.owner, row.amount) for row in rows[:limit])
    following = cursors.encode(page[-1].id) if len(rows) > limit else ""
    return Purse(page, coins.balance(connection, owner), following)


def load_conduct(connection: Connection, address: str) -> dict[Mark, int]:
    """Return how the trades of the account, and claims of ownership for and against it, have ended, counted.

    Raises:
        MarketError: UNKNOWN_ACCOUNT.
    """
    load_account(connection, address)
    table = tables.trades

    def ends(role: Actor, party: Column[str]) -> Iterator[tuple[Actor, TradeState, Outcome, int]]:
        query = (
            select(table.c.state, table.c.outcome, func.count().label("number"))
            .where(party == address)
            .group_by(table.c.state, table.c.outcome)
        )
        for row in connection.execute(query):
            yield role, TradeState(row.state), Outcome(row.outcome), row.number

    trades = chain(ends(Actor.SELLER, table.c.seller), ends(Actor.BUYER, table.c.buyer))
    return conduct.count(trades, _claims(connection, address))


def _claims(connection: Connection, address: str) -> Iterator[tuple[Claimed, Claimed, int]]:
    table = tables.claims
    for side, party in ((Claimed.CLAIMANT, table.c.claimant), (Claimed.OWNER, table.c.owner)):
        query = (
            select(table.c.outcome, func.count().label("number")).where(party == address).group_by(table.c.outcome)
        )
        for row in connection.execute(query):
            yield side, Claimed(row.outcome), row.number
