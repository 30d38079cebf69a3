"""Consistent views of the committed state: what simulations and queries read while blocks go on being committed."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from countermark.network.blocks.rwsets import Version
from countermark.network.embedded.errors import StorageError
from countermark.network.embedded.ledger.database import Database, Parameters
from countermark.network.embedded.ledger.schema import open_state

_KEYS: Final = 1000
"""Keys of one query; SQLite takes 32,766 parameters."""


class Value(NamedTuple):
    """A committed value and where it was written."""

    value: bytes
    version: Version


class KeyValue(NamedTuple):
    """A key of a range, its committed value, and where that was written."""

    key: str
    value: bytes
    version: Version


class HistoryRow(NamedTuple):
    """One committed change of a key."""

    version: Version
    tx_id: str
    timestamp_ms: int
    is_delete: bool
    value: bytes


class View:
    """Reads of the state through one connection; the writer uses it as well, and then sees its own block."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # The chaincode streams of several organisations read one snapshot.
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """End the view; a chaincode that comes too late finds nothing rather than another state."""
        with self._lock:
            self._closed = True

    def get(self, namespace: str, collection: str, key: bytes) -> Value | None:
        """Return what is stored under `key`: UTF-8 of the key, or its hash in a private collection."""
        rows = self._query(
            "SELECT value, block, position FROM state WHERE namespace = ? AND collection = ? AND key = ?",
            (namespace, collection, key),
        )
        return Value(rows[0][0], (rows[0][1], rows[0][2])) if rows else None

    def get_many(self, namespace: str, keys: Sequence[str]) -> dict[str, Value]:
        """Return what is stored under each of the public `keys`; those that are absent are left out.

        Raises:
            StorageError: The view has ended.
        """
        rows = self._find("key, value, block, position", namespace, keys)
        return {row[0].decode(): Value(row[1], (row[2], row[3])) for row in rows}

    def versions(self, namespace: str, keys: Sequence[str]) -> dict[str, Version]:
        """Return where each of the public `keys` was written; those that are absent are left out.

        Raises:
            StorageError: The view has ended.
        """
        rows = self._find("key, block, position", namespace, keys)
        return {row[0].decode(): (row[1], row[2]) for row in rows}

    def scan(self, namespace: str, start: str, end: str, *, limit: int, after: str | None = None) -> list[KeyValue]:
        """Return at most `limit` public keys with start <= key < end in order; an empty `end` is open.

        With `after`, only keys greater than that one.

        Raises:
            StorageError: The view has ended.
        """
        condition = "key >= ?"
        parameters: list[str | bytes] = [namespace, start.encode()]
        if after is not None:
            condition, parameters = "key > ?", [namespace, after.encode()]
        if end:
            condition += " AND key < ?"
            parameters.append(end.encode())
        # The condition is one of four fixed texts; all values are parameters.
        query = (
            "SELECT key, value, block, position FROM state "  # noqa: S608
            f"WHERE namespace = ? AND collection = '' AND {condition} ORDER BY key LIMIT ?"
        )
        rows = self._query(query, (*parameters, limit))
        return [KeyValue(row[0].decode(), row[1], (row[2], row[3])) for row in rows]

    def history(self, namespace: str, key: str, *, limit: int, before: Version | None = None) -> list[HistoryRow]:
        """Return at most `limit` changes of `key`, newest first; with `before`, only those older than that one."""
        bound = before or (2**62, 0)
        rows = self._query(
            "SELECT block, position, tx_id, timestamp_ms, is_delete, value FROM history "
            "WHERE namespace = ? AND key = ? AND (block, position) < (?, ?) "
            "ORDER BY block DESC, position DESC LIMIT ?",
            (namespace, key.encode(), *bound, limit),
        )
        return [HistoryRow((row[0], row[1]), row[2], row[3], bool(row[4]), row[5]) for row in rows]

    def _find(self, columns: str, namespace: str, keys: Sequence[str]) -> Iterator[Any]:
        for begin in range(0, len(keys), _KEYS):
            batch = [key.encode() for key in keys[begin : begin + _KEYS]]
            # Columns are one of two fixed texts; all values are parameters.
            query = (
                f"SELECT {columns} FROM state WHERE namespace = ? AND collection = '' "  # noqa: S608
                f"AND key IN ({', '.join('?' * len(batch))})"
            )
            yield from self._query(query, (namespace, *batch))

    def _query(self, query: str, parameters: Parameters) -> list[Any]:
        with self._lock:
            if self._closed:
                raise StorageError("snapshot_ended", "the simulation that this read belongs to is over")
            return self._database.rows(query, parameters)


class Snapshot(View):
    """A view that stays as it is, so that what one organisation has read need not be looked up for the next."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._read: dict[tuple[str, str], Value | None] = {}

    def close(self) -> None:
        """See `View.close`."""
        super().close()
        self._read.clear()

    def get_many(self, namespace: str, keys: Sequence[str]) -> dict[str, Value]:
        """See `View.get_many`."""
        unread = [key for key in keys if (namespace, key) not in self._read]
        found = super().get_many(namespace, unread)
        self._read.update(((namespace, key), found.get(key)) for key in unread)
        values = {key: self._read[namespace, key] for key in keys}
        return {key: value for key, value in values.items() if value is not None}


class Snapshots:
    """Views of the state database at `path`, each fixed at the block that was last when it was taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[Database] = []
        self._lock = threading.Lock()

    @contextmanager
    def take(self) -> Iterator[Snapshot]:
        """Return a view of the state as it is now; it stays so until the end of the block."""
        with self._lock:
            database = self._idle.pop() if self._idle else None
        if database is None:
            database = open_state(self._path)
        database.execute("BEGIN")
        try:
            # A deferred transaction takes its snapshot with the first read.
            database.row("SELECT 1 FROM blocks LIMIT 1")
            view = Snapshot(database)
            try:
                yield view
            finally:
                view.close()
        finally:
            database.execute("ROLLBACK")
            with self._lock:
                self._idle.append(database)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for database in self._idle:
                database.close()
            self._idle.clear()
