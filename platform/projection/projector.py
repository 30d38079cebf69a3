"""Applies blocks in order, each in one database transaction with the checkpoint.

Delivered twice, a block changes nothing. A gap, a fork or an unreadable write stops the projection with the tables at
the last good block. Any number of projectors may run: the one row of the checkpoint's lock lets one apply at a time.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from countermark.faults import Point, reach
from countermark.platform.observing.about import about
from countermark.platform.ports import Block, BlockSource, Transaction, UnavailableError
from countermark.platform.projection.digest import ledger_digest
from countermark.platform.projection.errors import ProjectionError
from countermark.platform.projection.locking import lock
from countermark.platform.projection.news import mark_webhooks
from countermark.platform.projection.reading import Checkpoint, read_checkpoint
from countermark.platform.projection.writes import apply_write
from countermark.platform.store import channels, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.missing import create_missing
from countermark.platform.store.sql import Connection, delete, insert, select, update, upsert
from countermark.protocol import canonical
from countermark.protocol.errors import MarketError

_log = logging.getLogger(__name__)

_POSITIONS = 1 << 20
_RETRY_S = 1.0
_LONGEST = 256
_MAX_MS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild has found: ``height`` blocks, the digest of the ledger-derived columns before and after it."""

    height: int
    before: str
    after: str
    created: tuple[str, ...]
    """Names of the tables that were missing."""

    @property
    def same(self) -> bool:
        """Whether nothing was to be repaired."""
        return not self.created and self.before == self.after


class Projector:
    """Projects the blocks of one channel; `chaincode` names the namespace that holds the market's state."""

    def __init__(self, database: Database, *, chaincode: str) -> None:
        self._database = database
        self._chaincode = chaincode

    def next_block(self) -> int:
        """Return the number of the block that is wanted next.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        with self._database.begin() as connection:
            checkpoint = read_checkpoint(connection)
        return 0 if checkpoint is None else checkpoint.block_number + 1

    def apply(self, block: Block) -> bool:
        """Apply `block` and return True, or return False if it had been applied before.

        Raises:
            ProjectionError: The block does not follow the last one, is another than the one applied under its
                number, or holds a write that cannot be read. Nothing was changed.
            MarketError: DATABASE_UNAVAILABLE.
        """
        with self._database.begin() as connection:
            lock(connection)
            if not self._apply(connection, block, read_checkpoint(connection)):
                return False
            _notify(connection, block.number)
            reach(Point.BLOCK_APPLIED)
        reach(Point.BLOCK_PROJECTED)
        self._tell(block)
        return True

    def follow(self, source: BlockSource, stop: Event) -> None:
        """Apply the blocks of `source` as they come until `stop` is set; a broken stream is taken up again.

        Raises:
            ProjectionError: See `apply`.
        """
        while not stop.is_set():
            try:
                for block in source.blocks(self.next_block()):
                    self.apply(block)
                    if stop.is_set():
                        return
            except UnavailableError as error:
                _log.warning("the stream of blocks broke: %s", error)
            except MarketError as error:
                _log.warning("the projection waits: %s", error)
            stop.wait(_RETRY_S)

    def catch_up(self, source: BlockSource, *, stop: int) -> None:
        """Apply the blocks of `source` up to and including block `stop`.

        Raises:
            ProjectionError: See `apply`.
            UnavailableError: The stream broke.
            MarketError: DATABASE_UNAVAILABLE.
        """
        for block in source.blocks(self.next_block(), stop=stop):
            self.apply(block)

    def fill(self, connection: Connection, source: BlockSource, *, height: int) -> None:
        """Apply the first ``height`` blocks to the tables that ``connection`` sees, which are empty.

        Raises:
            ProjectionError: See `apply`; the source ends before.
            UnavailableError: The stream broke.
        """
        self._apply_all(connection, source, height)

    def rebuild(
        self, source: BlockSource, *, height: Callable[[], int] | None = None, dry_run: bool = False
    ) -> Rebuilt:
        """Empty all ledger-derived columns, make the tables that are missing, and fill them from block 0 again.

        One database transaction: readers see the old rows until the new ones are complete, and projectors that run
        wait and then go on from there. Private columns and the platform's own tables are left alone.

        Args:
            source: where the blocks come from.
            height: tells how many blocks there are, for whoever may have lost the checkpoint, up to which the tables
                are filled otherwise, or may stand before another ledger.
            dry_run: whether everything is undone at the end: what was found is returned all the same.

        Raises:
            ProjectionError: See `apply`; the ledger ends before the checkpoint. Nothing was changed.
            UnavailableError: The stream broke; nothing was changed.
            MarketError: DATABASE_UNAVAILABLE; nothing was changed.
        """
        with self._database.begin() as connection, connection.begin_nested() as changes:
            lock(connection)
            created = create_missing(connection, (*tables.LEDGER_TABLES, tables.data_contracts))
            before = ledger_digest(connection)
            checkpoint = read_checkpoint(connection)
            there = None if height is None else height()
            wanted = checkpoint.block_number + 1 if checkpoint is not None else there or 0
            if there is not None and there < wanted:
                # To wait for the others would be to hold the lock for ever.
                raise ProjectionError(wanted - 1, f"the ledger has {there} blocks: it is another one")
            _empty(connection)
            self._apply_all(connection, source, wanted)
            after = ledger_digest(connection)
            if dry_run:
                changes.rollback()
            elif wanted:
                _notify(connection, wanted - 1)
        return Rebuilt(wanted, before, after, created)

    def _tell(self, block: Block) -> None:
        """Log what the block has changed, one line for each event of the market."""
        for transaction in block.transactions:
            event = transaction.event
            if transaction.valid and event is not None and event.chaincode == self._chaincode:
                payload = canonical.loads(event.payload)
                with about(txid=transaction.tx_id, trade=str(payload["id"])):
                    _log.info("%s in block %d: now %s", event.name, block.number, payload["state"])

    def _apply_all(self, connection: Connection, source: BlockSource, wanted: int) -> None:
        """Apply the first ``wanted`` blocks to empty tables."""
        checkpoint: Checkpoint | None = None
        for block in source.blocks(0, stop=wanted - 1) if wanted else ():
            self._apply(connection, block, checkpoint)
            checkpoint = Checkpoint(block.number, block.header_hash)
        if wanted and (checkpoint is None or checkpoint.block_number != wanted - 1):
            raise ProjectionError(wanted - 1, "the source ended before it")

    def _apply(self, connection: Connection, block: Block, checkpoint: Checkpoint | None) -> bool:
        if checkpoint is not None and block.number <= checkpoint.block_number:
            _check_known(connection, block)
            return False
        wanted = 0 if checkpoint is None else checkpoint.block_number + 1
        if block.number != wanted:
            raise ProjectionError(block.number, f"delivered where block {wanted} is wanted")
        if checkpoint is not None and block.previous_hash != checkpoint.block_hash:
            raise ProjectionError(block.number, "it does not follow the block before: the ledger has forked")
        _record_block(connection, block)
        for position, transaction in enumerate(block.transactions):
            if transaction.valid:
                self._apply_valid(connection, block, position, transaction)
        mark_webhooks(connection, block.number * _POSITIONS, (block.number + 1) * _POSITIONS)
        moved = {"block_number": block.number, "block_hash": block.header_hash}
        statement = upsert(tables.checkpoint).values(id=1, **moved)
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=moved))
        return True

    def _apply_valid(self, connection: Connection, block: Block, position: int, transaction: Transaction) -> None:
        for write in transaction.writes:
            if write.namespace != self._chaincode:
                continue
            try:
                with about(txid=transaction.tx_id, trade=write.key.removeprefix("trade/")):
                    apply_write(connection, write, transaction, block.number)
            except (KeyError, TypeError, ValueError, MarketError) as error:
                detail = f"transaction {transaction.tx_id} writes {write.key}, not in the form of its kind"
                raise ProjectionError(block.number, detail) from error
        if transaction.event is None or transaction.event.chaincode != self._chaincode:
            return
        try:
            payload = canonical.loads(transaction.event.payload)
            row = {
                "seq": block.number * _POSITIONS + position,
                "block": block.number,
                "tx_id": transaction.tx_id,
                "name": transaction.event.name,
                "subject": payload["id"],
                "state": payload["state"],
                "parties": payload["parties"],
                "payload": payload,
                "time_ms": transaction.timestamp_ms,
            }
        except (KeyError, TypeError, MarketError) as error:
            raise ProjectionError(block.number, f"the event of {transaction.tx_id} has another form") from error
        connection.execute(insert(tables.events), row)


def _notify(connection: Connection, block: int) -> None:
    """Tell whoever waits for blocks, once the transaction commits, that this one is in the tables."""
    channels.notify(connection, channels.BLOCKS, str(block))


def _check_known(connection: Connection, block: Block) -> None:
    known = connection.execute(select(tables.blocks.c.header_hash).where(tables.blocks.c.number == block.number))
    if bytes(known.scalar_one()) != block.header_hash:
        raise ProjectionError(block.number, "it is another block than the one applied: the ledger has forked")


def _record_block(connection: Connection, block: Block) -> None:
    connection.execute(
        insert(tables.blocks),
        {
            "number": block.number,
            "header_hash": block.header_hash,
            "previous_hash": block.previous_hash,
            "transactions": len(block.transactions),
        },
    )
    rows = [
        {
            "block": block.number,
            "position": position,
            "tx_id": _shown(transaction.tx_id),
            "time_ms": min(transaction.timestamp_ms, _MAX_MS),
            "kind": transaction.kind,
            "function": _shown(transaction.function),
            "creator_msp": _shown(transaction.creator_msp),
            "valid": transaction.valid,
            "code": transaction.validation_code,
            "code_name": transaction.code_name,
        }
        for position, transaction in enumerate(block.transactions)
    ]
    if rows:
        connection.execute(insert(tables.transactions), rows)


def _shown(text: str) -> str:
    """Return what a row shows of a text that anybody may have put into a transaction, an invalid one above all.

    Neither a zero character, which PostgreSQL refuses, nor a text too long for an index may stop the projection.
    """
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_LONGEST]


def _empty(connection: Connection) -> None:
    for table in tables.LEDGER_TABLES:
        connection.execute(delete(table))
    connection.execute(update(tables.data_contracts).values(dict.fromkeys(tables.CONTRACT_LEDGER_COLUMNS)))
