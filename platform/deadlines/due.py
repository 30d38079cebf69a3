"""What is due: everything on the ledger whose deadline and guard have passed, with the function that enforces it."""

from collections.abc import Iterator
from dataclasses import dataclass

from countermark.platform.contracts.market import load_market
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, func, select

_REDEMPTION = "redemption/"
"""Owner of a coin that is locked to its issuer, before the redemption's id."""


@dataclass(frozen=True, slots=True)
class Due:
    """A call that anybody may make now: ``function`` on ``subject``, in force since ``since_ms``."""

    function: str
    subject: str
    since_ms: int


def find_due(connection: Connection, now_ms: int) -> list[Due]:
    """Return what is due at ``now_ms``, the longest overdue first (enforce-after: deadline + guard, A-25)."""
    found = [*_trades(connection), *_listings(connection), *_redemptions(connection)]
    return sorted((due for due in found if due.since_ms <= now_ms), key=lambda due: due.since_ms)


def _trades(connection: Connection) -> Iterator[Due]:
    trades = tables.trades
    guard = trades.c.record["guard"].as_integer()
    query = select(trades.c.id, trades.c.deadline_ms, guard.label("guard")).where(trades.c.deadline_ms.is_not(None))
    for row in connection.execute(query):
        yield Due("trade.enforce", row.id, row.deadline_ms + row.guard * 1000)


def _listings(connection: Connection) -> Iterator[Due]:
    contracts = tables.data_contracts
    guard = contracts.c.record["guard"].as_integer()
    query = select(contracts.c.address, contracts.c.deadline_ms, guard.label("guard")).where(
        contracts.c.deadline_ms.is_not(None)
    )
    for row in connection.execute(query):
        yield Due("listing.enforce", row.address, row.deadline_ms + row.guard * 1000)


def _redemptions(connection: Connection) -> Iterator[Due]:
    """Yield the locked coins; their deadline is that of the market, counted from the transaction that locked them."""
    coins, transactions = tables.coins, tables.transactions
    query = (
        select(coins.c.owner, func.min(transactions.c.time_ms).label("locked_ms"))
        .join(transactions, transactions.c.tx_id == coins.c.created_tx)
        .where(coins.c.owner.startswith(_REDEMPTION), coins.c.spent_tx.is_(None), transactions.c.valid)
        .group_by(coins.c.owner)
    )
    rows = connection.execute(query).all()
    if not rows:
        return
    config = load_market(connection)
    kept_ms = (config.clocks["redeem"].default_s + config.guard_s) * 1000
    for row in rows:
        yield Due("coin.enforce", row.owner.removeprefix(_REDEMPTION), row.locked_ms + kept_ms)
