"""The ledger of one channel: blocks appended, state and private data kept in step, readers told.

A block counts as committed when it is synced to the block file. State and private data that are behind after a crash
are caught up when the ledger is opened, so they never say more or less than the blocks do.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from countermark.faults import Point, reach
from countermark.network.blocks import ReadWriteSet, parse_block, verify_commit_hash, verify_data_hash, verify_link
from countermark.network.blocks.codes import Code
from countermark.network.blocks.rwsets import Version
from countermark.network.embedded.errors import StorageError
from countermark.network.embedded.ledger.blockfile import BlockFile, Record
from countermark.network.embedded.ledger.private import PrivateStore, PrivateWrites
from countermark.network.embedded.ledger.state import BlockRow, StateStore, StateUpdate, TransactionRow
from countermark.network.errors import BlockError, EnvelopeError, NetworkError
from countermark.network.identities.files import make_directory, sync_directory

_LOGGER = logging.getLogger(__name__)


class Tip(NamedTuple):
    """The last block: its number, header hash and commit hash; number -1 and empty hashes before the first."""

    number: int
    header_hash: bytes
    commit_hash: bytes = b""
    """Empty after the genesis block, and in a ledger that was begun without it."""


class Applied(NamedTuple):
    """A transaction with its verdict, ready to take effect."""

    tx_id: str
    timestamp_ms: int
    rwset: ReadWriteSet
    code: int


class Ledger:
    """The ledger in a folder. One thread appends; any thread reads."""

    def __init__(self, directory: Path) -> None:
        """Open the files in `directory`, which is made if it is missing; see `open` for what else is needed.

        Raises:
            StorageError: A file is damaged, or cannot be opened.
        """
        with ExitStack() as opened:
            try:
                make_directory(directory, mode=0o700)
            except OSError as error:
                raise StorageError("blocks_not_opened", f"{directory}: {error.strerror}") from error
            self._file = BlockFile(directory / "blocks.bin")
            opened.callback(self._file.close)
            self.state = StateStore(directory / "state.db")
            opened.callback(self.state.close)
            self.private = PrivateStore(directory / "private.db")
            opened.callback(self.private.close)
            # Each file syncs what is in it, but not its own name.
            sync_directory(directory)
            self._opened = opened.pop_all()
        self._tip = Tip(-1, b"")

    @classmethod
    def open(cls, directory: Path) -> "Ledger":
        """Return the ledger in `directory`, empty if there is none yet, with a torn last record cut off.

        Raises:
            StorageError: Blocks are missing, damaged or do not form a chain, or a file is damaged.
        """
        ledger = cls(directory)
        try:
            ledger._catch_up()
        except BaseException:
            ledger.close()
            raise
        return ledger

    @property
    def height(self) -> int:
        """Number of committed blocks."""
        return self._tip.number + 1

    @property
    def tip(self) -> Tip:
        """The last committed block."""
        return self._tip

    def block(self, number: int) -> bytes:
        """Return the bytes of block `number` (common.Block).

        Raises:
            StorageError: It is not committed yet, or its record is damaged.
        """
        row = self.state.block(number)
        if row is None:
            raise StorageError("no_such_block", str(number))
        return self._file.read(row.offset).data

    def transaction(self, tx_id: str) -> TransactionRow | None:
        """Return the outcome of `tx_id`, or `None` if no committed block has it."""
        return self.state.transaction(tx_id)

    def append(self, data: bytes, tip: Tip, update: StateUpdate, private: Sequence[PrivateWrites]) -> None:
        """Commit the block `data`, which becomes `tip`, and whose transactions have been applied to `update`.

        The caller ends `update` with this call; if it fails after the block is on disk, the process must stop, and
        the next start catches up.

        Raises:
            StorageError: The block could not be written; nothing has changed.
        """
        record = self._file.append(data)
        reach(Point.BLOCK_WRITTEN)
        self._finish(record, tip, update, private)

    def close(self) -> None:
        """Close all files."""
        self._opened.close()

    def _catch_up(self) -> None:
        last = self.state.last_block()
        if last is not None and last.end <= self._file.end:
            self._tip = Tip(last.number, last.header_hash, self._commit_hash(last))
        for record in self._file.scan(0 if last is None else last.end):
            self._replay(record)

    def _commit_hash(self, row: BlockRow) -> bytes:
        try:
            return parse_block(self._file.read(row.offset).data).commit_hash
        except (BlockError, EnvelopeError) as error:
            raise StorageError("broken_chain", f"block {row.number}: {error}") from error

    def _replay(self, record: Record) -> None:
        try:
            block = parse_block(record.data)
            verify_link(block, number=self.height, previous_hash=self._tip.header_hash)
            verify_data_hash(block)
            verify_commit_hash(block, previous=self._tip.commit_hash)
        except NetworkError as error:
            raise StorageError("broken_chain", f"block {self.height}: {error}") from error
        tip = Tip(block.number, block.header_hash, block.commit_hash)
        with self.state.update() as update:
            private: list[PrivateWrites] = []
            for position, one in enumerate(block.transactions):
                applied = Applied(one.tx_id, one.timestamp_ms, one.rwset, one.validation_code)
                private.extend(apply(update, (block.number, position), applied))
            self._finish(record, tip, update, private)

    def _finish(self, record: Record, tip: Tip, update: StateUpdate, private: Sequence[PrivateWrites]) -> None:
        # Private data before state: a state that has a block may count on the block's private data.
        for missing in self.private.commit(tip.number, private):
            _LOGGER.warning(
                "private data of transaction %s for collection %s is not available",
                missing.tx_id,
                missing.hashes.collection,
            )
        update.add_block(BlockRow(tip.number, record.offset, record.end, tip.header_hash))
        self._tip = tip


def apply(update: StateUpdate, version: Version, transaction: Applied) -> tuple[PrivateWrites, ...]:
    """Note `transaction` at `version` and, if it is valid, apply its writes; return its private writes.

    Its id is noted whatever its code, as Fabric's peers index every envelope by what its header says.
    """
    if transaction.tx_id:
        update.add_transaction(transaction.tx_id, version, transaction.code)
    if transaction.code != Code.VALID:
        return ()
    update.write(transaction.rwset, version, tx_id=transaction.tx_id, timestamp_ms=transaction.timestamp_ms)
    return tuple(
        PrivateWrites(transaction.tx_id, version, hashes)
        for hashes in transaction.rwset.private_hashes
        if hashes.writes
    )
