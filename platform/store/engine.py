"""The platform's database by its URL: transactions, notifications, and one clear error when it is away."""

import math
import os
import secrets
import select
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import psycopg2.extensions
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from countermark.protocol.errors import ErrorCode, MarketError

_DRIVER = "postgresql+psycopg2"
_CONNECT_TIMEOUT_S = 10
_POOL_TIMEOUT_S = 30
_RESTED_S = 1.0
"""After how long out of use a pooled connection is doubted."""
# SQLSTATE classes of a server that cannot serve: connection, resources, operator intervention (shutdown, crash).
_UNAVAILABLE_CLASSES = ("08", "53", "57")


class Database:
    """A PostgreSQL database. May be shared by threads, and made before a fork: connections are opened lazily."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        """Take `postgresql://…` or `postgres://…`, whatever server it names.

        Raises:
            MarketError: DATABASE_UNAVAILABLE when the URL names no PostgreSQL database.
        """
        self._url = parse_url(url)
        self._pool_size = pool_size
        self._token = secrets.token_hex(8)
        self._engine: Engine | None = None
        self._making = threading.Lock()  # two pools would be twice as many connections
        self._pid = 0

    def __repr__(self) -> str:
        return f"Database({self._url.render_as_string(hide_password=True)!r})"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Run a transaction (READ COMMITTED): committed at the end of the block, rolled back by an exception.

        Raises:
            MarketError: DATABASE_UNAVAILABLE when the server cannot be reached, or was lost on the way: then
                nothing was written, except where it was lost while committing.
        """
        with _translated(), self._connections().begin() as connection:
            yield connection

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """Give a connection on which each statement is a transaction of its own.

        For reading, and for single statements: READ COMMITTED shows them the same, in a third of the round trips.

        Raises:
            MarketError: DATABASE_UNAVAILABLE, as for `begin`.
        """
        with _translated(), self._connections().connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Give a connection of the caller's own, on which he runs transactions; what his session held ends with it.

        Raises:
            MarketError: DATABASE_UNAVAILABLE, also when the server is lost on the way.
        """
        with _translated(), self._connections().connect() as connection:
            connection.detach()  # never back into the pool, and no longer counted by it
            yield connection

    @contextmanager
    def listener(self, *channels: str) -> Iterator["Listener"]:
        """Listen for notifications on `channels` through a connection of its own.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        with _translated(), closing(psycopg2.connect(_dsn(self._url), **self._options)) as raw:
            raw.autocommit = True
            with raw.cursor() as cursor:
                for channel in channels:
                    cursor.execute(f"LISTEN {psycopg2.extensions.quote_ident(channel, cursor)}")
            yield Listener(raw)

    def close(self) -> None:
        """Close all pooled connections of this process."""
        if self._engine is not None and self._pid == os.getpid():
            self._engine.dispose()
        self._engine = None

    @property
    def _options(self) -> dict[str, Any]:
        # By its name the others see that this process is there (`presence`): a child has another than its parent.
        name = f"countermark {self._token}-{os.getpid()}"
        return {"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": name}

    def _connections(self) -> Engine:
        with self._making:
            if self._engine is None or self._pid != os.getpid():
                if self._engine is not None:
                    # Inherited by a fork: the sockets are the parent's, who goes on using them.
                    self._engine.dispose(close=False)
                self._engine = create_engine(
                    self._url,
                    pool_size=self._pool_size,
                    max_overflow=0,
                    pool_timeout=_POOL_TIMEOUT_S,
                    hide_parameters=True,  # values of statements never reach a log or an error
                    connect_args=self._options,
                )
                _ping_idle_connections(self._engine)
                self._pid = os.getpid()
            return self._engine


class Listener:
    """Receives what is notified on the channels that are listened to."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def wait(self, timeout_s: float) -> list[str]:
        """Return the payloads that arrived, waiting up to `timeout_s` for the first; [] when none came.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        with _translated():
            if not self._connection.notifies:
                # Not select(), which cannot watch a descriptor above 1023: a gateway has many connections.
                poller = select.poll()
                poller.register(self._connection, select.POLLIN)
                poller.poll(max(timeout_s, 0) * 1000)
                self._connection.poll()
            payloads = [notify.payload for notify in self._connection.notifies]
            self._connection.notifies.clear()
            return payloads


def _ping_idle_connections(engine: Engine) -> None:
    """Ask the server, before a connection is used that has rested, whether it is still there.

    Before each use (`pool_pre_ping`) it would cost a transaction a third of its round trips. A connection that broke
    while in use, or just before, fails one transaction, and with it the pool is emptied.
    """

    @event.listens_for(engine, "checkin")
    def rest(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get("rests_since", math.inf) < _RESTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg2.Error as error:
            raise InvalidatePoolError from error


def parse_url(text: str) -> URL:
    """Return the URL in `text` as SQLAlchemy takes it.

    Raises:
        MarketError: DATABASE_UNAVAILABLE when it names no PostgreSQL database.
    """
    try:
        url = make_url(text)
    except (ArgumentError, NoSuchModuleError, ValueError):
        # No cause: the library's message repeats the URL and a password in it.
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "the database URL is malformed") from None
    if url.drivername not in ("postgres", "postgresql", _DRIVER) or not url.database:
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "the database URL must name a PostgreSQL database")
    return url.set(drivername=_DRIVER)


def _dsn(url: URL) -> str:
    """Return the URL as libpq reads it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn every failure of the server, not of a statement, into the one error that callers know."""
    try:
        yield
    except PoolTimeoutError as error:
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "all database connections are in use") from error
    except DBAPIError as error:
        if error.connection_invalidated or _server_failed(error.orig):
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "the database does not answer") from error
        raise
    except psycopg2.Error as error:
        if _server_failed(error):
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "the database does not answer") from error
        raise


def _server_failed(error: BaseException | None) -> bool:
    if not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    # A connection that could not be made, or was cut, carries no SQLSTATE at all.
    return error.pgcode is None or error.pgcode.startswith(_UNAVAILABLE_CLASSES)
