"""The ledger-derived tables once more, beside those that are kept: temporary, gone with their connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from countermark.platform.ports import BlockSource
from countermark.platform.projection import Projector
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Connection, text

# No other schema is on the path, so that no statement finds a table of the platform's own.
_APART: Final = text("SET LOCAL search_path TO pg_temp")

_STILL: Final = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


@contextmanager
def replayed(database: Database, projector: Projector, source: BlockSource, *, height: int) -> Iterator[Connection]:
    """Give a connection whose tables are those that the first ``height`` blocks of ``source`` make.

    Raises:
        ProjectionError: the blocks do not follow one another, or hold what cannot be read.
        UnavailableError: the stream of blocks broke.
        MarketError: DATABASE_UNAVAILABLE.
    """
    with database.session() as connection, connection.begin() as transaction:
        connection.execute(_APART)
        # All of them: what a block is applied to may be tables beside those that follow from it, empty here.
        tables.metadata.create_all(connection, checkfirst=False)
        projector.fill(connection, source, height=height)
        yield connection
        transaction.rollback()


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """Give a connection that sees the tables as they are now, whatever is written meanwhile.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    with database.session() as connection, connection.begin() as transaction:
        connection.execute(_STILL)
        yield connection
        transaction.rollback()
