"""Tables of the state database and how its connections are opened.

`state` holds public values under an empty collection, and for private collections the hashes of keys and values.
Keys are bytes (UTF-8), so that their order is that of Fabric's state database.
"""

import sqlite3
from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS state (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL,
    value BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (namespace, collection, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
    namespace TEXT NOT NULL, key BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    tx_id TEXT NOT NULL, timestamp_ms INTEGER NOT NULL, is_delete INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (namespace, key, block, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS transactions (
    tx_id TEXT PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL, code INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY, position INTEGER NOT NULL, end INTEGER NOT NULL, header_hash BLOB NOT NULL
);
"""


def connect(path: Path, *, synchronous: str) -> sqlite3.Connection:
    """Return a connection to the database at `path`; `synchronous` is sqlite's FULL or NORMAL.

    Statements outside an explicit transaction commit at once, and the caller keeps two threads from using the
    connection together.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection
