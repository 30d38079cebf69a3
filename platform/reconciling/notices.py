"""The notices that acts on the ledger name, against those on the board.

The platform takes a notice and its act in one database transaction, so what its outbox brought to the ledger is on
the board. An act that came by another gateway may be there before its notice, which that gateway hands over.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from countermark.platform.reconciling.discrepancies import Discrepancy, Said
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Row, collate, select

HANDED_OVER_MS: Final = 900_000
"""How long a notice may be on its way from another gateway, after its act stands on the ledger."""

_ROWS = 500
_Named = tuple[str, str, str]
"""Trade, signer, digest."""


def compare_notices(kept: Connection, replayed: Connection, *, now_ms: int) -> Iterator[Discrepancy]:
    """Yield the notices that trades in ``replayed`` name and the board in ``kept`` has not, ``now_ms`` being late."""
    trades = tables.trades.c
    query = select(trades.id, trades.seller, trades.buyer, trades.record).order_by(collate(trades.id, "C"))
    rows: Iterator[Row[Any]] = iter(replayed.execute(query.execution_options(yield_per=_ROWS)))
    while some := list(islice(rows, _ROWS)):
        named = [one for row in some for one in _named(row)]
        there = _on_board(kept, [row.id for row in some])
        for one in named:
            if one not in there and (told := _act(replayed, kept, one, now_ms)) is not None:
                trade, signer, digest = one
                key = {"trade": trade, "signer": signer}
                yield Discrepancy("board", key, "missing", (Said("digest", digest, None), told))


def _named(row: Row[Any]) -> Iterator[_Named]:
    record: dict[str, Any] = row.record
    for role, who in (("seller", row.seller), ("buyer", row.buyer)):
        digest = record["notices"][role]
        if digest:
            yield row.id, who, digest
    if record.get("remedy"):
        yield row.id, row.seller, record["remedy"]["notice"]


def _on_board(kept: Connection, trades: list[str]) -> set[_Named]:
    board = tables.board.c
    rows = kept.execute(select(board.trade, board.signer, board.digest).where(board.trade.in_(trades)))
    return {(row.trade, row.signer, row.digest) for row in rows}


def _act(replayed: Connection, kept: Connection, named: _Named, now_ms: int) -> Said | None:
    """Return what the ledger says of the act that names a notice, None while the notice may yet be on its way."""
    trade, signer, _ = named
    events, seller = tables.events.c, tables.trades.c.seller
    is_seller = replayed.execute(select(seller).where(tables.trades.c.id == trade)).scalar_one() == signer
    acts = ("trade.send", "trade.remedy") if is_seller else ("trade.ack",)
    rows = replayed.execute(
        select(events.tx_id, events.name, events.time_ms)
        .where(events.subject == trade, events.name.in_(acts))
        .order_by(events.seq.desc())
    ).all()
    ours = set(
        kept.execute(select(tables.outbox.c.tx_id).where(tables.outbox.c.tx_id.in_([row.tx_id for row in rows])))
        .scalars()
        .all()
    )
    for row in rows:
        if row.tx_id in ours or now_ms >= row.time_ms + HANDED_OVER_MS:
            return Said("act", f"{row.name} in transaction {row.tx_id}", None)
    return None
