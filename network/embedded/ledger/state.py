"""The state database: what the committed blocks add up to, with history and an index of transactions.

It is derived: `Ledger` catches it up from the block file, so its own writes need not be synced one by one. All that a
block changes goes in with one transaction, together with the block's own row, which says how far the state is.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from countermark.network.blocks.rwsets import PrivateWrite, ReadWriteSet, Version, Write
from countermark.network.embedded.ledger.database import Database
from countermark.network.embedded.ledger.schema import open_state
from countermark.network.embedded.ledger.snapshots import Snapshots, View


class BlockRow(NamedTuple):
    """Where a block stands in the block file, and the hash of its header."""

    number: int
    offset: int
    end: int
    header_hash: bytes


class TransactionRow(NamedTuple):
    """Where a transaction stands and whether it is valid (code 0) or why not (peer.TxValidationCode)."""

    version: Version
    code: int


class StateUpdate:
    """The changes of one block while it is being committed; `view` sees those made so far."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.view = View(database)

    def write(self, rwset: ReadWriteSet, version: Version, *, tx_id: str, timestamp_ms: int) -> None:
        """Apply the writes of a transaction, private ones in their hashed form; public ones enter the history."""
        # Three statements, for each lets other threads run in between. Of a key written twice, the last write counts.
        public = {(write.namespace, write.key.encode()): write for write in rwset.writes}
        values = {(namespace, "", key): _value(write) for (namespace, key), write in public.items()}
        for hashes in rwset.private_hashes:
            for hashed in hashes.writes:
                values[hashes.namespace, hashes.collection, hashed.key_hash] = _hash(hashed)
        self._database.execute_many(
            "DELETE FROM state WHERE namespace = ? AND collection = ? AND key = ?",
            [key for key, value in values.items() if value is None],
        )
        self._database.execute_many(
            "INSERT INTO state VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (namespace, collection, key) "
            "DO UPDATE SET value = excluded.value, block = excluded.block, position = excluded.position",
            [(*key, value, *version) for key, value in values.items() if value is not None],
        )
        self._database.execute_many(
            "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (namespace, key, *version, tx_id, timestamp_ms, write.is_delete, write.value)
                for (namespace, key), write in public.items()
            ],
        )

    def add_transaction(self, tx_id: str, version: Version, code: int) -> bool:
        """Note a transaction; return False if its id was there already, which then keeps its first outcome."""
        query = "INSERT OR IGNORE INTO transactions VALUES (?, ?, ?, ?)"
        return self._database.execute(query, (tx_id, *version, code)) == 1

    def block_of(self, tx_id: str) -> int | None:
        """Return the number of the first block that has an envelope with that id, `None` if none has."""
        row = self._database.row("SELECT block FROM transactions WHERE tx_id = ?", (tx_id,))
        return None if row is None else int(row[0])

    def add_block(self, row: BlockRow) -> None:
        """Note the block to which the changes belong."""
        self._database.execute("INSERT INTO blocks VALUES (?, ?, ?, ?)", row)


class StateStore:
    """The state database at `path`, created if it is missing."""

    def __init__(self, path: Path) -> None:
        """Open the database.

        Raises:
            StorageError: The file is damaged; without it, the state is built anew from the blocks.
        """
        with ExitStack() as opened:
            self._writer = open_state(path)
            opened.callback(self._writer.close)
            self._reader = open_state(path)
            opened.pop_all()
        self._reader_lock = threading.Lock()
        self.snapshots = Snapshots(path)

    @contextmanager
    def update(self) -> Iterator[StateUpdate]:
        """Collect the changes of one block; they take effect together at the end, or not at all on an exception.

        Raises:
            StorageError: They could not be written.
        """
        with self._writer.transaction():
            yield StateUpdate(self._writer)

    def last_block(self) -> BlockRow | None:
        """Return the last block that the state contains, or `None` before the first."""
        return self._block("ORDER BY number DESC LIMIT 1")

    def block(self, number: int) -> BlockRow | None:
        """Return where block `number` stands, or `None` if it is not committed."""
        return self._block("WHERE number = ?", number)

    def block_by_hash(self, header_hash: bytes) -> BlockRow | None:
        """Return where the block with that header hash stands, or `None` if there is none."""
        return self._block("WHERE header_hash = ?", header_hash)

    def transaction(self, tx_id: str) -> TransactionRow | None:
        """Return the outcome of `tx_id`, or `None` if no committed block has it."""
        with self._reader_lock:
            row = self._reader.row("SELECT block, position, code FROM transactions WHERE tx_id = ?", (tx_id,))
        return None if row is None else TransactionRow((row[0], row[1]), row[2])

    def close(self) -> None:
        """Close all connections that are not in use."""
        self.snapshots.close()
        self._reader.close()
        self._writer.close()

    def _block(self, condition: str, *parameters: int | bytes) -> BlockRow | None:
        query = f"SELECT number, position, end, header_hash FROM blocks {condition}"  # noqa: S608 - fixed texts
        with self._reader_lock:
            row = self._reader.row(query, parameters)
        return None if row is None else BlockRow(*row)


def _value(write: Write) -> bytes | None:
    return None if write.is_delete else write.value


def _hash(write: PrivateWrite) -> bytes | None:
    return None if write.is_delete or write.is_purge else write.value_hash
