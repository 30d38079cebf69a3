"""Applies the writes of a valid transaction to the tables, by the prefix of their keys.

| Key | Table |
|---|---|
| `account/{address}` | accounts |
| `coin/{id}` | coins; a deletion marks it spent |
| `deposit/{issuer}/{reference}` | deposits |
| `redemption/{id}` | redemptions |
| `listing/{address}` | data_contracts, its ledger-derived columns; where it was erased, its private ones too |
| `trade/{id}` | trades |
| `claim/{id}` | claims |
| `intent/{signer}/{nonce}` | intents |
| `market/version/{n}` | market_versions |
| `board/anchor/{size}` | anchors |
| `epoch` | epoch |

Keys of `_UNPROJECTED` say nothing that these do not. A key of any other form is reported: either a newer chaincode
is running, or this table is out of date.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from countermark.platform.ports import Transaction, Write
from countermark.platform.projection import records
from countermark.platform.projection.erasing import erase
from countermark.platform.projection.records import Columns, Record
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Insert, Table, bindparam, delete, func, update, upsert
from countermark.protocol import canonical

_log = logging.getLogger(__name__)

_RELEASE = delete(tables.coin_reservations).where(tables.coin_reservations.c.coin == bindparam("of_coin"))
_SPEND = update(tables.coins).where(tables.coins.c.id == bindparam("of_coin"), tables.coins.c.spent_tx.is_(None))

_UNPROJECTED = ("exact/", "spent/", "market/config", "market/pepper", "market/proposal/")


@dataclass(frozen=True, slots=True)
class Change:
    """One write, without the prefix of its key; `record` is None for a deletion."""

    connection: Connection
    rest: str
    record: Record | None
    tx_id: str
    block: int

    @property
    def written(self) -> Record:
        """The record, of a kind of entity that is never deleted.

        Raises:
            ValueError: It was deleted.
        """
        if self.record is None:
            raise ValueError("such a key is never deleted")
        return self.record


def apply_write(connection: Connection, write: Write, transaction: Transaction, block: int) -> None:
    """Apply one write of a valid transaction.

    Raises:
        KeyError, TypeError, ValueError, MarketError: The value is not a record of its key's kind.
    """
    key = write.key
    prefix = next((prefix for prefix in _HANDLERS if key.startswith(prefix)), None)
    if prefix is None:
        if key != "board/anchor" and not key.startswith(_UNPROJECTED):
            _log.warning("block %d writes %s, which no table shows", block, key)
        return
    record = None if write.is_delete else canonical.loads(write.value)
    _HANDLERS[prefix](Change(connection, key.removeprefix(prefix), record, transaction.tx_id, block))


def _put(change: Change, table: Table, keys: Columns, columns: Columns, first: Columns | None = None) -> None:
    """Insert or update the row of `keys`; `first` is set when the row appears and never again."""
    at_first = first or {}
    statement = _upsert(table, tuple(keys), tuple(columns), tuple(at_first))
    change.connection.execute(statement, {**keys, **columns, **at_first})


@cache
def _upsert(table: Table, keys: tuple[str, ...], columns: tuple[str, ...], first: tuple[str, ...]) -> Insert:
    """Return the statement of `_put` for columns of these names: writing one down takes longer than its execution."""
    statement = upsert(table).values({name: bindparam(name) for name in (*keys, *columns, *first)})
    given = {name: statement.excluded[name] for name in columns}
    kept = {name: func.coalesce(table.c[name], statement.excluded[name]) for name in first}
    return statement.on_conflict_do_update(index_elements=keys, set_={**given, **kept})


def _account(change: Change) -> None:
    columns = records.account(change.written) | {"updated_block": change.block}
    _put(change, tables.accounts, {"address": change.rest}, columns, {"created_tx": change.tx_id})


def _coin(change: Change) -> None:
    if change.record is None:
        # Only now, when the coin no longer counts as unspent, may its reservation go.
        change.connection.execute(_RELEASE, {"of_coin": change.rest})
        spent = {"of_coin": change.rest, "spent_tx": change.tx_id, "spent_block": change.block}
        if change.connection.execute(_SPEND, spent).rowcount != 1:
            raise ValueError("a coin was spent that was not there")
        return
    columns = records.coin(change.record) | {"created_tx": change.tx_id, "created_block": change.block}
    _put(change, tables.coins, {"id": change.rest}, columns)


def _deposit(change: Change) -> None:
    issuer, reference = change.rest.split("/", 1)
    columns = records.deposit(change.written) | {"tx_id": change.tx_id, "block": change.block}
    _put(change, tables.deposits, {"issuer": issuer, "reference": reference}, columns)


def _redemption(change: Change) -> None:
    columns = records.redemption(change.written) | {"updated_block": change.block}
    _put(change, tables.redemptions, {"id": change.rest}, columns, {"created_tx": change.tx_id})


def _listing(change: Change) -> None:
    columns = records.listing(change.written) | {"updated_tx": change.tx_id, "updated_block": change.block}
    first = {"created_tx": change.tx_id, "created_block": change.block}
    _put(change, tables.data_contracts, {"address": change.rest}, columns, first)
    if records.erased(change.written):
        erase(change.connection, change.rest)


def _trade(change: Change) -> None:
    columns = records.trade(change.written) | {"updated_tx": change.tx_id, "updated_block": change.block}
    first = {"created_tx": change.tx_id, "created_block": change.block}
    _put(change, tables.trades, {"id": change.rest}, columns, first)


def _claim(change: Change) -> None:
    columns = records.claim(change.written) | {"updated_tx": change.tx_id, "updated_block": change.block}
    first = {"created_tx": change.tx_id, "created_block": change.block}
    _put(change, tables.claims, {"id": change.rest}, columns, first)


def _intent(change: Change) -> None:
    signer, nonce = change.rest.split("/", 1)
    columns = records.intent(change.written) | {"tx_id": change.tx_id, "block": change.block}
    _put(change, tables.intents, {"signer": signer, "nonce": nonce}, columns)


def _market(change: Change) -> None:
    columns = {"record": change.written, "tx_id": change.tx_id, "block": change.block}
    _put(change, tables.market_versions, {"version": int(change.rest)}, columns)


def _anchor(change: Change) -> None:
    columns = records.anchor(change.written) | {"tx_id": change.tx_id, "block": change.block}
    _put(change, tables.anchors, {"size": int(change.rest)}, columns)


def _epoch(change: Change) -> None:
    _put(change, tables.epoch, {"id": 1}, records.epoch(change.written) | {"block": change.block})


_HANDLERS: Mapping[str, Callable[[Change], None]] = {
    "account/": _account,
    "coin/": _coin,
    "deposit/": _deposit,
    "redemption/": _redemption,
    "listing/": _listing,
    "trade/": _trade,
    "claim/": _claim,
    "intent/": _intent,
    "market/version/": _market,
    "board/anchor/": _anchor,
    "epoch": _epoch,
}
