"""What the outbox says of transactions, against the transactions and intents on the ledger.

A row whose end is known must say of its transaction what the block says; one that never left, or was refused, must be
in no block as valid. Of one that may have left nothing can be said. Calls without an intent are forgotten in time.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from countermark.platform.reconciling.discrepancies import Discrepancy, Said
from countermark.platform.store import tables
from countermark.platform.store.outbox import State
from countermark.platform.store.sql import Connection, Row, collate, select

_ROWS = 1000
_OUTBOX = tables.outbox.c
_WANTED = ("tx_id", "state", "function", "block_number", "validation_code", "signer", "nonce", "intent_digest")

_NEVER_ORDERED = (State.NEW, State.REFUSED)


def compare_outbox(kept: Connection, replayed: Connection, *, height: int) -> Iterator[Discrepancy]:
    """Yield what the rows of ``kept`` say otherwise than the first ``height`` blocks in ``replayed``."""
    yield from _compare_transactions(kept, replayed, height)
    yield from _compare_intents(kept, replayed, height)


def _compare_transactions(kept: Connection, replayed: Connection, height: int) -> Iterator[Discrepancy]:
    rows = _stream(kept, select(*(_OUTBOX[name] for name in _WANTED)).order_by(collate(_OUTBOX.tx_id, "C")))
    of_ledger = tables.transactions.c
    ordered = _stream(
        replayed,
        select(of_ledger.tx_id, of_ledger.block, of_ledger.code, of_ledger.function, of_ledger.valid)
        .where(of_ledger.tx_id != "")
        .order_by(collate(of_ledger.tx_id, "C"), of_ledger.block, of_ledger.position),
    )
    found = groupby(ordered, key=lambda one: one.tx_id)
    tx_id, places = next(found, (None, iter(())))
    for row in rows:
        while tx_id is not None and tx_id < row.tx_id:
            tx_id, places = next(found, (None, iter(())))
        here = list(places) if tx_id == row.tx_id else []
        said = tuple(_judge(row, here, height))
        if said:
            yield Discrepancy("outbox", {"tx_id": row.tx_id}, "changed", said)


def _judge(row: Row[Any], places: list[Row[Any]], height: int) -> Iterator[Said]:
    valid = next((place for place in places if place.valid), None)
    if row.state in _NEVER_ORDERED and valid is not None:
        yield Said("state", f"valid in block {valid.block}", row.state)
    if row.state not in (State.COMMITTED, State.INVALID):
        return
    if row.block_number is None:
        # An earlier transaction had done the same, or a later attempt took the place of one that never left.
        if valid is not None:
            yield Said("block_number", valid.block, None)
        return
    if row.block_number >= height:
        return  # a block that is not compared
    # Whoever claimed the id beside it may stand in the same block.
    here = [place for place in places if place.block == row.block_number]
    place = next((one for one in here if one.code == row.validation_code), None)
    if place is None:
        yield from _misplaced(row, here or places)
        return
    if place.valid is not (row.state == State.COMMITTED):
        yield Said("state", State.COMMITTED if place.valid else State.INVALID, row.state)
    if place.function != row.function and place.valid:
        yield Said("function", place.function, row.function)


def _misplaced(row: Row[Any], places: list[Row[Any]]) -> Iterator[Said]:
    if not places:
        yield Said("block_number", None, row.block_number)
        return
    (place, *_) = places
    if place.block != row.block_number:
        yield Said("block_number", place.block, row.block_number)
    if place.code != row.validation_code:
        yield Said("validation_code", place.code, row.validation_code)


def _compare_intents(kept: Connection, replayed: Connection, height: int) -> Iterator[Discrepancy]:
    """Yield rows that committed, whose intent the ledger does not know, or knows with another payload."""
    committed = _stream(
        kept,
        select(*(_OUTBOX[name] for name in _WANTED))
        .where(_OUTBOX.state == State.COMMITTED, _OUTBOX.nonce.is_not(None))
        .order_by(collate(_OUTBOX.signer, "C"), collate(_OUTBOX.nonce, "C"), collate(_OUTBOX.tx_id, "C")),
    )
    intents = tables.intents.c
    used = _stream(
        replayed,
        select(intents.signer, intents.nonce, intents.digest).order_by(
            collate(intents.signer, "C"), collate(intents.nonce, "C")
        ),
    )
    known = next(used, None)
    for row in committed:
        place = (row.signer, row.nonce)
        while known is not None and (known.signer, known.nonce) < place:
            known = next(used, None)
        if row.block_number is not None and row.block_number >= height:
            continue
        there = known is not None and (known.signer, known.nonce) == place
        if there and known is not None and known.digest == row.intent_digest:
            continue
        key = {"tx_id": row.tx_id, "signer": row.signer, "nonce": row.nonce}
        if row.block_number is None and not there:
            continue  # done by a transaction in a block that is not compared, perhaps
        digest = known.digest if there and known is not None else None
        yield Discrepancy("outbox", key, "changed", (Said("intent_digest", digest, row.intent_digest),))


def _stream(connection: Connection, query: Any) -> Iterator[Row[Any]]:
    yield from connection.execute(query.execution_options(yield_per=_ROWS))
