"""Picks the coins of a payment and reserves them for a short time, so that one buyer's parallel payments never meet.

A reservation is a convenience of this gateway and no right: the ledger alone decides who spends a coin. It ends when
the projector sees the coin spent, when the payment fails, or by its time.
"""

from sqlalchemy import Connection, Select, and_, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from countermark.platform.store import clock
from countermark.platform.store.tables import coin_reservations, coins
from countermark.protocol import money
from countermark.protocol.errors import ErrorCode, MarketError

MAX_COINS = 256
"""Most coins of one payment, as many as the chaincode takes."""

RESERVED_MS = 120_000
"""How long coins stay reserved: longer than a payment takes to be ordered or refused."""


def reserve(connection: Connection, *, owner: str, amount: int, holder: str) -> tuple[str, ...] | None:
    """Return ids of unspent coins of `owner` that pay `amount` (minor units), reserved for the request `holder`.

    What `holder` had reserved before is given back first. None means that the money is there, but other payments
    under way hold it: their change comes back with their blocks.

    Raises:
        MarketError: INSUFFICIENT_FUNDS when even all coins do not reach.
    """
    # One payment of an owner picks at a time; other owners are not held up.
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"coins/{owner}", 0))))
    release(connection, holder)
    held = exists().where(coin_reservations.c.coin == coins.c.id, coin_reservations.c.until_ms > clock.now())
    unspent = and_(coins.c.owner == owner, coins.c.spent_tx.is_(None))
    amounts = func.coalesce(func.sum(coins.c.amount), 0), func.coalesce(func.sum(coins.c.amount).filter(held), 0)
    # In one statement, so of one moment: the projector moves on between statements.
    total, under_way = connection.execute(select(*amounts).where(unspent)).one()
    if total < amount:
        raise MarketError(ErrorCode.INSUFFICIENT_FUNDS, "the account's coins do not reach the amount")
    free = select(coins.c.id, coins.c.owner, coins.c.amount).where(unspent, ~held)
    # Never all coins of an account: the smallest that reaches alone, else the largest ones.
    alone = free.where(coins.c.amount >= amount).order_by(coins.c.amount, coins.c.id).limit(1)
    largest = free.order_by(coins.c.amount.desc(), coins.c.id).limit(MAX_COINS)
    candidates = _coins(connection, alone) or _coins(connection, largest)
    if sum(coin.amount for coin in candidates) < amount:
        if len(candidates) == MAX_COINS and not under_way:
            raise MarketError(ErrorCode.INSUFFICIENT_FUNDS, f"more than {MAX_COINS} coins would be needed")
        return None
    chosen = tuple(coin.id for coin in money.select_coins(candidates, amount))
    for coin in chosen:
        values = {"coin": coin, "owner": owner, "holder": holder, "until_ms": clock.now() + RESERVED_MS}
        statement = insert(coin_reservations).values(values)
        connection.execute(statement.on_conflict_do_update(index_elements=["coin"], set_=values))
    return chosen


def release(connection: Connection, holder: str) -> None:
    """Give back what is reserved for `holder`."""
    connection.execute(delete(coin_reservations).where(coin_reservations.c.holder == holder))


def balance(connection: Connection, owner: str) -> int:
    """Return the sum of the unspent coins of `owner` in minor units, as of the last block applied."""
    query = select(func.coalesce(func.sum(coins.c.amount), 0))
    return int(connection.execute(query.where(coins.c.owner == owner, coins.c.spent_tx.is_(None))).scalar_one())


def _coins(connection: Connection, query: Select[tuple[str, str, int]]) -> list[money.Coin]:
    return [money.Coin(row.id, row.owner, row.amount) for row in connection.execute(query)]
