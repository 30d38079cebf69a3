"""Trades as their two parties, and who decides between them, see them: the record, what may come next, every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import ColumnElement, Connection, Row, and_, or_, select
from countermark.platform.trades import load_trade
from countermark.platform.views import cursors
from countermark.protocol import fields, times
from countermark.protocol.transitions import TradeState, next_acts_of

_FINAL = [str(state) for state in TradeState if state.final]


@dataclass(frozen=True, slots=True)
class TradePage:
    """Trades of one account, the newest first, and the cursor of the next page, "" on the last."""

    trades: tuple[dict[str, Any], ...] = field(repr=False)
    cursor: str


def load_trade_for(connection: Connection, trade: str, *, party: str) -> dict[str, Any]:
    """Return the trade as its `party` sees it.

    Raises:
        MarketError: UNKNOWN_TRADE, also for everybody who has no part in it: strangers do not learn that it exists.
    """
    load_trade(connection, trade).role(party)
    table = tables.trades
    return _resource(connection, [connection.execute(select(table).where(table.c.id == trade)).one()])[0]


def find_payment(connection: Connection, trade: str, *, party: str) -> tuple[int, str]:
    """Return the block and the transaction in which the trade was paid, for its `party`.

    Raises:
        MarketError: UNKNOWN_TRADE, as `load_trade_for`.
    """
    load_trade(connection, trade).role(party)
    table = tables.trades
    row = connection.execute(select(table.c.created_block, table.c.created_tx).where(table.c.id == trade)).one()
    return row.created_block, row.created_tx


def list_trades(
    connection: Connection,
    party: str,
    *,
    open_only: bool = False,
    deciding: bool = False,
    cursor: str = "",
    limit: int = cursors.LONGEST_PAGE,
) -> TradePage:
    """Return a page of the trades of `party`, newest first.

    With `open_only` those that have not ended; with `deciding` those of others that wait for his decision instead.

    Raises:
        MarketError: MALFORMED_REQUEST for a cursor that cannot be.
    """
    table = tables.trades
    query = select(table).where(
        _deciding(party) if deciding else or_(table.c.seller == party, table.c.buyer == party)
    )
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


def _deciding(party: str) -> ColumnElement[bool]:
    """Return the condition that the buyer has given his evidence to `party`, whose time to decide runs."""
    table = tables.trades
    record, decider = table.c.record, table.c.record["decider"].astext
    return and_(
        table.c.state == str(TradeState.EVIDENCED),
        or_(
            *(and_(decider == judge, record[judge]["account"].astext == party) for judge in ("arbiter", "substitute"))
        ),
    )


def allowed(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the functions that are possible on the trade of `record`, each with the roles that may call it."""
    return {function: sorted(map(str, actors)) for function, actors in next_acts_of(record).items()}


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
            "next": {"actors": allowed(row.record), "deadline": row.record["deadline"]},
            "history": histories[row.id],
        }
        for row in rows
    ]
