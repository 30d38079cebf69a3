"""Intents that the ledger has taken, whichever gateway brought them there."""

from dataclasses import dataclass, field
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, and_, select
from countermark.protocol.intents import Intent


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an intent: its transaction, when that was dated, and what the chaincode answered."""

    tx_id: str
    at_ms: int
    response: dict[str, Any] = field(repr=False)


def find_done(connection: Connection, intent: Intent) -> Done | None:
    """Return what came of ``intent`` by the last block applied, None if nothing has or its nonce was burnt."""
    table, transactions = tables.intents, tables.transactions
    query = (
        select(table.c.tx_id, table.c.record, transactions.c.time_ms)
        .join(transactions, and_(transactions.c.block == table.c.block, transactions.c.tx_id == table.c.tx_id))
        .where(
            table.c.signer == intent.signer,
            table.c.nonce == intent.nonce,
            table.c.digest == intent.digest,
            transactions.c.valid,
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None or row.record["cancelled"]:
        return None
    return Done(row.tx_id, row.time_ms, row.record["response"])
