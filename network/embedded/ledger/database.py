"""SQLite files of the ledger: whatever goes wrong with one is a `StorageError` that says what to do."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from countermark.network.embedded.errors import StorageError

Parameters = Sequence[str | bytes | int | None]

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """One connection to the file `path`, created if it is missing; two threads may not use it together.

    Statements outside `transaction` take effect at once.
    """

    def __init__(self, path: Path, *, synchronous: Literal["FULL", "NORMAL"], remedy: str, script: str = "") -> None:
        """Open the file and run `script` on it; `remedy` tells people what to do if the file is damaged.

        Raises:
            StorageError: It cannot be opened, or is damaged.
        """
        self._path = path
        self._remedy = remedy
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._error(error) from error
        try:
            self.execute("PRAGMA journal_mode = WAL")
            self.execute(f"PRAGMA synchronous = {synchronous}")
            self._connection.executescript(script)
        except sqlite3.Error as error:
            self._connection.close()
            raise self._error(error) from error
        except StorageError:
            self._connection.close()
            raise

    def execute(self, statement: str, parameters: Parameters = ()) -> int:
        """Run a statement and return how many rows it has changed.

        Raises:
            StorageError: It failed.
        """
        try:
            return self._connection.execute(statement, parameters).rowcount
        except sqlite3.Error as error:
            raise self._error(error) from error

    def execute_many(self, statement: str, rows: Iterable[Parameters]) -> int:
        """Run a statement once for each of `rows` and return how many rows it has changed.

        Raises:
            StorageError: It failed.
        """
        try:
            return self._connection.executemany(statement, rows).rowcount
        except sqlite3.Error as error:
            raise self._error(error) from error

    def rows(self, query: str, parameters: Parameters = ()) -> list[Any]:
        """Return what `query` finds.

        Raises:
            StorageError: It failed.
        """
        try:
            return self._connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def row(self, query: str, parameters: Parameters = ()) -> Any | None:
        """Return the first row that `query` finds, or `None`.

        Raises:
            StorageError: It failed.
        """
        rows = self.rows(query, parameters)
        return rows[0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let the statements of the block take effect together at its end, or not at all on an exception.

        Raises:
            StorageError: They could not be written.
        """
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # After a full disk, SQLite has rolled back by itself.
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _error(self, error: sqlite3.Error) -> StorageError:
        # The low byte is the kind of error, the others say where it was met.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            return StorageError("database_damaged", f"{self._path}: {error}; {self._remedy}")
        return StorageError("database_failed", f"{self._path}: {error}")
