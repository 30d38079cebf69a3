"""Tables of the state database, and how it is opened.

`state` holds public values under an empty collection, and for private collections the hashes of keys and values.
Keys are bytes (UTF-8), so that their order is that of Fabric's state database. Tables with values keep their rows by
number and find them by an index: in a table without row numbers, each search would copy whole values to compare keys.
"""

from pathlib import Path

from countermark.network.embedded.ledger.database import Database

TABLES = """
CREATE TABLE IF NOT EXISTS state (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL,
    value BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (namespace, collection, key)
);
CREATE TABLE IF NOT EXISTS history (
    namespace TEXT NOT NULL, key BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    tx_id TEXT NOT NULL, timestamp_ms INTEGER NOT NULL, is_delete INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (namespace, key, block, position)
);
CREATE TABLE IF NOT EXISTS transactions (
    tx_id TEXT PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL, code INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY, position INTEGER NOT NULL, end INTEGER NOT NULL, header_hash BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS blocks_by_hash ON blocks (header_hash);
"""


def open_state(path: Path) -> Database:
    """Return a connection to the state database at `path`, created if it is missing.

    Raises:
        StorageError: The file is damaged, or cannot be opened.
    """
    # What a crash takes from the state is caught up from the blocks, so its commits need not be synced.
    remedy = "it can be deleted, it is rebuilt from the blocks"
    return Database(path, synchronous="NORMAL", remedy=remedy, script=TABLES)
