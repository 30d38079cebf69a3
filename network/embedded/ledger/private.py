"""The store of private data: values that stand in no block, by the version at which the block wrote their hashes.

A transaction's private writes are kept from its endorsement on (`stage`), synced to disk before the client gets the
envelope; when the transaction commits as valid they move to their versions, if their hashes are those in the block.
"""

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from countermark.network.blocks.rwsets import PrivateHashes, Version, Write
from countermark.network.embedded.ledger.schema import connect
from countermark.network.embedded.rwset import decode_private, decode_writes

# Blocks for which the writes of a transaction that never came are kept.
STAGED_BLOCKS = 1000

_TABLES = """
CREATE TABLE IF NOT EXISTS staged (
    tx_id TEXT NOT NULL, digest BLOB NOT NULL, height INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (tx_id, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS data (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key_hash BLOB NOT NULL,
    block INTEGER NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (namespace, collection, key_hash, block, position)
) WITHOUT ROWID;
"""


class PrivateWrites(NamedTuple):
    """What a valid transaction wrote to one collection, as the block shows it."""

    tx_id: str
    version: Version
    hashes: PrivateHashes


class PrivateStore:
    """The private data at `path`, created if it is missing; safe from any thread."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, synchronous="FULL")
        # Purged values are to be gone from the file as well.
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.executescript(_TABLES)
        self._lock = threading.Lock()

    def stage(self, tx_id: str, data: bytes, *, height: int) -> None:
        """Keep the private writes of `tx_id` (bytes of TxPvtReadWriteSet); they are on disk when this returns.

        `height` is the number of blocks at this moment. Endorsers may differ, so a second set for the same
        transaction stands beside the first.
        """
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?)",
                (tx_id, hashlib.sha256(data).digest(), height, data),
            )

    def get(self, namespace: str, collection: str, key_hash: bytes, version: Version) -> bytes | None:
        """Return the value that was written at `version`, or `None` if it is not here (never came, or purged)."""
        with self._lock:
            return self._select(namespace, collection, key_hash, version)

    def commit(self, block: int, written: Iterable[PrivateWrites]) -> list[PrivateWrites]:
        """Move the private writes of block number `block` to their versions, on disk when this returns.

        Doing it again, as after a crash, changes nothing.

        Returns:
            What could not be found or did not have the hashes in the block: its values are not available.
        """
        missing = []
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                found = list(written)
                missing = [writes for writes in found if not self._apply(writes)]
                self._connection.executemany("DELETE FROM staged WHERE tx_id = ?", [(one.tx_id,) for one in found])
                self._connection.execute("DELETE FROM staged WHERE height < ?", (block - STAGED_BLOCKS,))
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        return missing

    def close(self) -> None:
        """Close the store."""
        self._connection.close()

    def _apply(self, writes: PrivateWrites) -> bool:
        namespace, collection = writes.hashes.namespace, writes.hashes.collection
        self._connection.executemany(
            "DELETE FROM data WHERE namespace = ? AND collection = ? AND key_hash = ?",
            [(namespace, collection, hashed.key_hash) for hashed in writes.hashes.writes if hashed.is_purge],
        )
        values = self._staged(writes)
        if values is None:
            return self._present(writes)
        self._connection.executemany(
            "INSERT OR REPLACE INTO data VALUES (?, ?, ?, ?, ?, ?)",
            [
                (namespace, collection, _hash(write.key.encode()), *writes.version, write.value)
                for write in values
                if not write.is_delete
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
        row = self._connection.execute(
            "SELECT value FROM data WHERE namespace = ? AND collection = ? AND key_hash = ? "
            "AND block = ? AND position = ?",
            (namespace, collection, key_hash, *version),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def _staged(self, writes: PrivateWrites) -> tuple[Write, ...] | None:
        hashes = writes.hashes
        query = "SELECT data FROM staged WHERE tx_id = ?"
        for (data,) in self._connection.execute(query, (writes.tx_id,)).fetchall():
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


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
