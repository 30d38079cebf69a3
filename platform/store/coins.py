"""Picks the coins of a payment and reserves them for a short time, so that one buyer's parallel payments never meet.

A reservation is a convenience of this gateway and no right: the ledger alone decides who spends a coin. It ends when
the projector sees the coin spent, when the payment fails, or by its time.
"""

from sqlalchemy import BigInteger, Connection, Select, Text, and_, bindparam, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from countermark.platform.store import clock
from countermark.platform.store.tables import coin_reservations, coins
from countermark.protocol import money
from countermark.protocol.errors import ErrorCode, MarketError

MAX_COINS = 256
"""Most coins of one payment, as many as the chaincode takes."""

RESERVED_MS = 120_000
"""How long coins stay reserved: longer than a payment takes to be ordered or refused."""


# Built once: most of what a statement costs here is to write it down.
_OWNER, _HOLDER = bindparam("owner", type_=Text), bindparam("holder", type_=Text)
_AMOUNT = bindparam("amount", type_=BigInteger)
_HELD = exists().where(coin_reservations.c.coin == coins.c.id, coin_reservations.c.until_ms > clock.now())
_UNSPENT = and_(coins.c.owner == _OWNER, coins.c.spent_tx.is_(None))
# In one statement, so of one moment: the projector moves on between statements.
_SUMS = select(
    func.coalesce(func.sum(coins.c.amount), 0), func.coalesce(func.sum(coins.c.amount).filter(_HELD), 0)
).where(_UNSPENT)
_FREE = select(coins.c.id, coins.c.owner, coins.c.amount).where(_UNSPENT, ~_HELD)
# Never all coins of an account: the smallest that reaches alone, else the largest ones.
_ALONE = _FREE.where(coins.c.amount >= _AMOUNT).order_by(coins.c.amount, coins.c.id).limit(1)
_LARGEST = _FREE.order_by(coins.c.amount.desc(), coins.c.id).limit(MAX_COINS)
_RESERVE = insert(coin_reservations).values(
    coin=bindparam("coin"),
    owner=_OWNER,
    holder=_HOLDER,
    until_ms=clock.now() + bindparam("reserved_ms", type_=BigInteger),
)
_RESERVE_ANEW = _RESERVE.on_conflict_do_update(
    index_elements=["coin"],
    set_={name: _RESERVE.excluded[name] for name in ("owner", "holder", "until_ms")},
)
_RELEASE = delete(coin_reservations).where(coin_reservations.c.holder == _HOLDER)
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(func.concat("coins/", _OWNER), 0)))


def reserve(connection: Connection, *, owner: str, amount: int, holder: str) -> tuple[str, ...] | None:
    """Return ids of unspent coins of `owner` that pay `amount` (minor units), reserved for the request `holder`.

    What `holder` had reserved before is given back first. None means that the money is there, but other payments
    under way hold it: their change comes back with their blocks.

    Raises:
        MarketError: INSUFFICIENT_FUNDS when even all coins do not reach.
    """
    # One payment of an owner picks at a time; other owners are not held up.
    connection.execute(_LOCK, {"owner": owner})
    release(connection, holder)
    candidates = _coins(connection, _ALONE, owner=owner, amount=amount)
    if not candidates:
        total, under_way = connection.execute(_SUMS, {"owner": owner}).one()
        if total < amount:
            raise MarketError(ErrorCode.INSUFFICIENT_FUNDS, "the account's coins do not reach the amount")
        candidates = _coins(connection, _LARGEST, owner=owner)
        if sum(coin.amount for coin in candidates) < amount:
            if len(candidates) == MAX_COINS and not under_way:
                raise MarketError(ErrorCode.INSUFFICIENT_FUNDS, f"more than {MAX_COINS} coins would be needed")
            return None
    chosen = tuple(coin.id for coin in money.select_coins(candidates, amount))
    reservation = {"owner": owner, "holder": holder, "reserved_ms": RESERVED_MS}
    connection.execute(_RESERVE_ANEW, [{"coin": coin, **reservation} for coin in chosen])
    return chosen


def release(connection: Connection, holder: str) -> None:
    """Give back what is reserved for `holder`."""
    connection.execute(_RELEASE, {"holder": holder})


def balance(connection: Connection, owner: str) -> int:
    """Return the sum of the unspent coins of `owner` in minor units, as of the last block applied."""
    query = select(func.coalesce(func.sum(coins.c.amount), 0))
    return int(connection.execute(query.where(coins.c.owner == owner, coins.c.spent_tx.is_(None))).scalar_one())


def _coins(connection: Connection, query: Select[tuple[str, str, int]], **values: str | int) -> list[money.Coin]:
    return [money.Coin(row.id, row.owner, row.amount) for row in connection.execute(query, values)]
