"""Trades as their two parties see them: the ledger's record, what may happen next, and every step so far."""

from dataclasses import dataclass, field
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Row, or_, select
from countermark.platform.views import cursors
from countermark.protocol import fields, times
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import TradeState, next_acts

_FINAL = [str(state) for state in TradeState if state.final]


@dataclass(frozen=True, slots=True)
class TradePage:
    """Trades of one account, the newest first, and the cursor of the next page, "" on the last."""

    trades: tuple[dict[str, Any], ...] = field(repr=False)
    cursor: str


def load_trade_for(connection: Connection, trade: str, *, party: str) -> dict[str, Any]:
    """Return the trade as its `party` sees it.

    Raises:
        MarketError: UNKNOWN_TRADE, also for everybody who is no party: strangers do not learn that it exists.
    """
    table = tables.trades
    query = select(table).where(table.c.id == trade, or_(table.c.seller == party, table.c.buyer == party))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.UNKNOWN_TRADE, "there is no such trade")
    return _resource(connection, [row])[0]


def find_payment(connection: Connection, trade: str, *, party: str) -> tuple[int, str]:
    """Return the block and the transaction in which the trade was paid, for its `party`.

    Raises:
        MarketError: UNKNOWN_TRADE, as `load_trade_for`.
    """
    table = tables.trades
    query = select(table.c.created_block, table.c.created_tx).where(
        table.c.id == trade, or_(table.c.seller == party, table.c.buyer == party)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.UNKNOWN_TRADE, "there is no such trade")
    return row.created_block, row.created_tx


def list_trades(
    connection: Connection,
    party: str,
    *,
    open_only: bool = False,
    cursor: str = "",
    limit: int = cursors.LONGEST_PAGE,
) -> TradePage:
    """Return a page of the trades of `party`; `open_only` leaves out those that have ended.

    Raises:
        MarketError: MALFORMED_REQUEST for a cursor that cannot be.
    """
    table = tables.trades
    query = select(table).where(or_(table.c.seller == party, table.c.buyer == party))
    if open_only:
        query = query.where(table.c.state.not_in(_FINAL))
    if cursor:
        block, trade = cursors.decode(cursor, fields.integer(0, 2**53 - 1), fields.text(64))
        query = query.where(
            or_(table.c.created_block < block, (table.c.created_block == block) & (table.c.id < trade))
        )
    rows = connection.execute(query.order_by(table.c.created_block.desc(), table.c.id.desc()).limit(limit + 1)).all()
    page = list(rows[:limit])
    following = cursors.encode(page[-1].created_block, page[-1].id) if len(rows) > limit else ""
    return TradePage(tuple(_resource(connection, page)), following)


def allowed(state: str) -> dict[str, list[str]]:
    """Return the functions that are possible in `state`, each with the roles that may call it."""
    return {function: sorted(map(str, actors)) for function, actors in next_acts(TradeState(state)).items()}


def _resource(connection: Connection, rows: list[Row[Any]]) -> list[dict[str, Any]]:
    histories: dict[str, list[dict[str, str]]] = {row.id: [] for row in rows}
    events = tables.events
    steps = select(events).where(events.c.subject.in_(list(histories))).order_by(events.c.seq)
    for step in connection.execute(steps):
        entry = {"txid": step.tx_id, "function": step.name, "time": times.to_text(step.time_ms)}
        histories[step.subject].append(entry)
    return [
        {
            **row.record,
            "next": {"actors": allowed(row.state), "deadline": row.record["deadline"]},
            "history": histories[row.id],
        }
        for row in rows
    ]
