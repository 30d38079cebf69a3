"""A replay's books in a temporary file: what is in memory does not grow with the ledger.

SQLite makes the file without a name and removes it with the connection. The latest rows wait in memory until there
are many of them; rows that were read stay there for a while, since most are read several times.
"""

import sqlite3
from collections.abc import ItemsView, Iterable, Iterator, MutableMapping
from typing import Generic, Self, TypeVar

from countermark.audit.books import Place, Version

_ROWS = 4096
_BYTES = 4 << 20
"""How many rows wait in memory, and how many bytes of keys and values, for each of the tables."""

_CACHE_KIB = 8192
"""What SQLite itself keeps in memory."""

_TABLES = """
    CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE versions (
        namespace TEXT, collection TEXT, key BLOB, block INTEGER NOT NULL, position INTEGER NOT NULL,
        PRIMARY KEY (namespace, collection, key)
    ) WITHOUT ROWID;
    CREATE TABLE used (id BLOB PRIMARY KEY) WITHOUT ROWID;
"""

K = TypeVar("K")
V = TypeVar("V")


class _Recent(Generic[K, V]):
    """Rows by key: what was written and is not in the file yet (None: deleted), and what was read from it."""

    def __init__(self) -> None:
        self.written: dict[K, V | None] = {}
        self._read: dict[K, V | None] = {}
        self._sizes = [0, 0]

    def find(self, key: K) -> tuple[bool, V | None]:
        """Return whether the row is known here, and the row."""
        for rows in (self.written, self._read):
            if key in rows:
                return True, rows[key]
        return False, None

    def write(self, key: K, row: V | None, size: int) -> bool:
        """Take a row of ``size`` bytes and return whether it is time to put them into the file."""
        self._read.pop(key, None)
        self.written[key] = row
        self._sizes[0] += size
        return len(self.written) >= _ROWS or self._sizes[0] >= _BYTES

    def read(self, key: K, row: V | None, size: int) -> None:
        """Remember a row that was read."""
        if len(self._read) >= _ROWS or self._sizes[1] >= _BYTES:
            self._read.clear()
            self._sizes[1] = 0
        self._read[key] = row
        self._sizes[1] += size

    def flushed(self) -> None:
        """Forget what is in the file now."""
        self.written.clear()
        self._sizes[0] = 0


class DiskState(MutableMapping[str, bytes]):
    """Values of the market's keys."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._recent: _Recent[str, bytes] = _Recent()

    def _find(self, key: str) -> bytes | None:
        known, value = self._recent.find(key)
        if known:
            return value
        row = self._connection.execute("SELECT value FROM state WHERE key = ?", (key.encode(),)).fetchone()
        value = None if row is None else bytes(row[0])
        self._recent.read(key, value, len(key) + len(value or b""))
        return value

    def __getitem__(self, key: str) -> bytes:
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not None

    def __setitem__(self, key: str, value: bytes) -> None:
        if self._recent.write(key, value, len(key) + len(value)):
            self.flush()

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        if self._recent.write(key, None, len(key)):
            self.flush()

    def __iter__(self) -> Iterator[str]:
        self.flush()
        for (key,) in self._connection.execute("SELECT key FROM state ORDER BY key"):
            yield bytes(key).decode()

    def items(self) -> ItemsView[str, bytes]:
        """Return all keys with their values, for one look at each."""
        return _Items(self, self._connection)

    def __len__(self) -> int:
        self.flush()
        return int(self._connection.execute("SELECT count(*) FROM state").fetchone()[0])

    def flush(self) -> None:
        """Put what was written into the file."""
        written = self._recent.written
        put = [(key.encode(), value) for key, value in written.items() if value is not None]
        gone = [(key.encode(),) for key, value in written.items() if value is None]
        self._connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", put)
        self._connection.executemany("DELETE FROM state WHERE key = ?", gone)
        self._recent.flushed()


class _Items(ItemsView[str, bytes]):
    """Keys and values by one query, not by one for each."""

    def __init__(self, state: DiskState, connection: sqlite3.Connection) -> None:
        super().__init__(state)
        self._state = state
        self._connection = connection

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        self._state.flush()
        for key, value in self._connection.execute("SELECT key, value FROM state ORDER BY key"):
            yield bytes(key).decode(), bytes(value)


class DiskVersions:
    """A `VersionTable`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._recent: _Recent[Place, Version] = _Recent()

    def get(self, place: Place) -> Version | None:
        """See `VersionTable.get`."""
        known, version = self._recent.find(place)
        if known:
            return version
        query = "SELECT block, position FROM versions WHERE namespace = ? AND collection = ? AND key = ?"
        row = self._connection.execute(query, place).fetchone()
        version = None if row is None else (int(row[0]), int(row[1]))
        self._recent.read(place, version, len(place[2]))
        return version

    def put(self, place: Place, version: Version) -> None:
        """See `VersionTable.put`."""
        if self._recent.write(place, version, len(place[2])):
            self._flush()

    def drop(self, place: Place) -> None:
        """See `VersionTable.drop`."""
        if self._recent.write(place, None, len(place[2])):
            self._flush()

    def between(self, namespace: str, start: str, stop: str) -> list[tuple[str, Version]]:
        """See `VersionTable.between`: the order of UTF-8 is that of the characters."""
        self._flush()
        query = "SELECT key, block, position FROM versions WHERE namespace = ? AND collection = '' AND key >= ?"
        named: list[str | bytes] = [namespace, start.encode()]
        if stop:
            query, named = query + " AND key < ?", [*named, stop.encode()]
        rows = self._connection.execute(query + " ORDER BY key", named)
        return [(bytes(key).decode(), (block, position)) for key, block, position in rows]

    def _flush(self) -> None:
        written = self._recent.written
        put = [(*place, *version) for place, version in written.items() if version is not None]
        gone = [place for place, version in written.items() if version is None]
        self._connection.executemany("INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?)", put)
        query = "DELETE FROM versions WHERE namespace = ? AND collection = ? AND key = ?"
        self._connection.executemany(query, gone)
        self._recent.flushed()


class DiskIds:
    """Transaction ids."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._recent: _Recent[str, bool] = _Recent()

    def __contains__(self, tx_id: object) -> bool:
        if not isinstance(tx_id, str):
            return False
        known, _ = self._recent.find(tx_id)
        query = "SELECT 1 FROM used WHERE id = ?"
        return known or bool(self._connection.execute(query, (tx_id.encode(),)).fetchone())

    def update(self, tx_ids: Iterable[str]) -> None:
        """See `UsedIds.update`."""
        for tx_id in tx_ids:
            # An id that is claimed by rubbish is any text.
            if self._recent.write(tx_id, True, len(tx_id)):
                rows = [(one.encode(),) for one in self._recent.written]
                self._connection.executemany("INSERT OR IGNORE INTO used VALUES (?)", rows)
                self._recent.flushed()


class DiskBooks:
    """`Books` in a temporary file, which is gone with `close`."""

    def __init__(self) -> None:
        # The empty name is SQLite's for a file of its own that nobody else can open.
        self._connection = sqlite3.connect("", isolation_level=None)
        for setting in (
            "journal_mode = OFF",
            "synchronous = OFF",
            "temp_store = FILE",
            f"cache_size = -{_CACHE_KIB}",
        ):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.executescript(_TABLES)
        self._connection.execute("BEGIN")
        self.state = DiskState(self._connection)
        self.versions = DiskVersions(self._connection)
        self.used = DiskIds(self._connection)

    def close(self) -> None:
        """Remove the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
