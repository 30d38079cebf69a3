"""The store of private data: values that stand in no block, by the version at which the block wrote their hashes.

A transaction's private writes are kept from its endorsement on (`stage`), synced to disk before the client gets the
envelope; when the transaction commits as valid they move to their versions, if their hashes are those in the block.

A purged value is to be nowhere in the files, and two things would keep it there: the write-ahead log holds what was
written since it was last emptied, and SQLite leaves copies in unused parts of pages whose rows it has moved, even
with secure_delete. So after a purge the file is written anew (VACUUM) and the log emptied. A log is used all the
same, because staging then costs one sync; a rollback journal costs three and would hold the old pages as well.
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from countermark.network.blocks.rwsets import PrivateHashes, Version, Write
from countermark.network.embedded.errors import StorageError
from countermark.network.embedded.ledger.database import Database
from countermark.network.embedded.rwset_encoding import decode_private, decode_writes, encode_writes

_LOGGER = logging.getLogger(__name__)

STAGED_BLOCKS: Final = 1000
"""Blocks for which the writes of a transaction that never came are kept."""

_REMEDY: Final = "private values stand in no block: restore the file from a backup, or delete it and do without them"
_TABLES = """
CREATE TABLE IF NOT EXISTS staged (
    tx_id TEXT NOT NULL, digest BLOB NOT NULL, height INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (tx_id, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS data (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key_hash BLOB NOT NULL,
    block INTEGER NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, value BLOB,
    PRIMARY KEY (namespace, collection, key_hash, block, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS data_by_block ON data (block, position);
"""


class PrivateWrites(NamedTuple):
    """What a valid transaction wrote to one collection, as the block shows it."""

    tx_id: str
    version: Version
    hashes: PrivateHashes


class PrivateStore:
    """The private data at `path`, created if it is missing; safe from any thread."""

    def __init__(self, path: Path) -> None:
        """Open the store.

        Raises:
            StorageError: The file is damaged, or cannot be opened.
        """
        self._lock = threading.Lock()
        self._database = Database(path, synchronous="FULL", remedy=_REMEDY, script=_TABLES)
        try:
            # Between a purge and the writing anew, a crash should find as little as possible.
            self._database.execute("PRAGMA secure_delete = ON")
            # Else VACUUM would copy the values to the system's folder for temporary files.
            self._database.execute("PRAGMA temp_store = MEMORY")
            if self._database.rows("PRAGMA user_version") != [(0,)]:
                self._erase()
            self._oldest = self._oldest_staged()
        except StorageError:
            self._database.close()
            raise

    def stage(self, tx_id: str, data: bytes, *, height: int) -> None:
        """Keep the private writes of `tx_id` (bytes of TxPvtReadWriteSet); they are on disk when this returns.

        `height` is the number of blocks at this moment. Endorsers may differ, so a second set for the same
        transaction stands beside the first.

        Raises:
            StorageError: They could not be written.
        """
        with self._lock:
            self._database.execute(
                "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?)",
                (tx_id, hashlib.sha256(data).digest(), height, data),
            )
            self._oldest = height if self._oldest is None else min(self._oldest, height)

    def get(self, namespace: str, collection: str, key_hash: bytes, version: Version) -> bytes | None:
        """Return the value that was written at `version`, or `None` if it is not here (never came, or purged)."""
        with self._lock:
            return self._select(namespace, collection, key_hash, version)

    def written(self, block: int, *, namespace: str, collections: Sequence[str]) -> dict[int, dict[str, bytes]]:
        """Return what block number `block` wrote to `collections`, without what was purged since.

        Returns:
            By position in the block and collection, the bytes of a KVRWSet.
        """
        marks = ", ".join("?" * len(collections))
        query = (
            "SELECT position, collection, key, value FROM data WHERE block = ? AND namespace = ? "  # noqa: S608 - marks
            f"AND collection IN ({marks}) ORDER BY position, collection, key"
        )
        with self._lock:
            rows = self._database.rows(query, (block, namespace, *collections))
        found: dict[tuple[int, str], list[Write]] = {}
        for position, collection, key, value in rows:
            write = Write(namespace, key, b"" if value is None else bytes(value), is_delete=value is None)
            found.setdefault((position, collection), []).append(write)
        written: dict[int, dict[str, bytes]] = {}
        for (position, collection), writes in found.items():
            written.setdefault(position, {})[collection] = encode_writes(writes)
        return written

    def commit(self, block: int, written: Sequence[PrivateWrites]) -> list[PrivateWrites]:
        """Move the private writes of block number `block` to their versions, on disk when this returns.

        Doing it again, as after a crash, changes nothing, even if later blocks have been here already. What was
        staged and has not come for `STAGED_BLOCKS` blocks goes with every block, whether that has private writes or
        not.

        Returns:
            What could not be found or did not have the hashes in the block: its values are not available.

        Raises:
            StorageError: The disk did not take it.
        """
        # Staged at height h, it has been passed by the blocks h to `block`.
        due = block + 1 - STAGED_BLOCKS
        with self._lock:
            if not written and (self._oldest is None or self._oldest > due):
                return []
            with self._database.transaction():
                # One after the other: a transaction may purge what one before it in the block has written.
                purged, missing = 0, []
                for writes in written:
                    purged += self._purge(writes)
                    if not self._apply(writes):
                        missing.append(writes)
                self._database.execute_many("DELETE FROM staged WHERE tx_id = ?", [(one.tx_id,) for one in written])
                swept = self._database.execute("DELETE FROM staged WHERE height <= ?", (due,))
                if purged or swept:
                    # Stays set until the file has been written anew, over a crash as well.
                    self._database.execute("PRAGMA user_version = 1")
            if purged or swept:
                self._erase()
            self._oldest = self._oldest_staged()
        return missing

    def close(self) -> None:
        """Close the store."""
        self._database.close()

    def _erase(self) -> None:
        """Write the file anew with nothing but what is in the tables, and empty the log."""
        self._database.execute("VACUUM")
        ((busy, _, _),) = self._database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            _LOGGER.warning("another process reads the private data: purged values are erased at the next start")
        else:
            self._database.execute("PRAGMA user_version = 0")

    def _oldest_staged(self) -> int | None:
        """Return the least height at which something was staged that is still here; `None` without any."""
        ((height,),) = self._database.rows("SELECT min(height) FROM staged")
        return None if height is None else int(height)

    def _purge(self, writes: PrivateWrites) -> int:
        """Delete what purged keys had before, and return how many values these were.

        Later versions stay: after a crash the store may be ahead of the block that is being replayed.
        """
        hashes = writes.hashes
        return self._database.execute_many(
            "DELETE FROM data WHERE namespace = ? AND collection = ? AND key_hash = ? AND (block, position) < (?, ?)",
            [
                (hashes.namespace, hashes.collection, hashed.key_hash, *writes.version)
                for hashed in hashes.writes
                if hashed.is_purge
            ],
        )

    def _apply(self, writes: PrivateWrites) -> bool:
        values = self._staged(writes)
        if values is None:
            return self._present(writes)
        namespace, collection = writes.hashes.namespace, writes.hashes.collection
        self._database.execute_many(
            "INSERT OR REPLACE INTO data VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (namespace, collection, _hash(write.key.encode()), *writes.version, write.key, _value(write))
                for write in values
            ],
        )
        return True

    def _present(self, writes: PrivateWrites) -> bool:
        hashes = writes.hashes
        return all(
            hashed.is_delete or self._select(hashes.namespace, hashes.collection, hashed.key_hash, writes.version)
            for hashed in hashes.writes
        )

    def _select(self, namespace: str, collection: str, key_hash: bytes, version: Version) -> bytes | None:
        row = self._database.row(
            "SELECT value FROM data WHERE namespace = ? AND collection = ? AND key_hash = ? "
            "AND block = ? AND position = ?",
            (namespace, collection, key_hash, *version),
        )
        return None if row is None or row[0] is None else bytes(row[0])

    def _staged(self, writes: PrivateWrites) -> tuple[Write, ...] | None:
        hashes = writes.hashes
        query = "SELECT data FROM staged WHERE tx_id = ?"
        for (data,) in self._database.rows(query, (writes.tx_id,)):
            for namespace, collection, encoded in decode_private(data):
                if (namespace, collection) != (hashes.namespace, hashes.collection):
                    continue
                values = decode_writes(namespace, encoded)
                if _hash(encoded) == hashes.set_hash and _match(values, hashes):
                    return values
        return None


def _match(values: tuple[Write, ...], hashes: PrivateHashes) -> bool:
    expected = {hashed.key_hash: hashed for hashed in hashes.writes}
    return len(values) == len(expected) and all(
        (hashed := expected.get(_hash(write.key.encode()))) is not None
        and hashed.is_delete == write.is_delete
        and (write.is_delete or hashed.value_hash == _hash(write.value))
        for write in values
    )


def _value(write: Write) -> bytes | None:
    """Return the value as it is stored; a deletion stands as one without."""
    return None if write.is_delete else write.value


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
