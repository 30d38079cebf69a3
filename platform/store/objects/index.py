"""What lies in a bucket: the rows that say of which pieces an object consists (ADR 0016).

A bucket can neither append nor rename, and its listing says nothing of what is whole. So its pieces never change,
and what counts is decided here, in transactions. An object that was deleted and is written anew is another
incarnation; the names of incarnations and pieces are random and never used again.
"""

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from countermark.platform.store.engine import Database
from countermark.platform.store.locks import holding
from countermark.platform.store.objects.tables import object_pieces, stored_objects
from countermark.protocol.errors import ErrorCode, MarketError

WAIT_S = 30.0
"""How long a writer or a seal waits for the writer before it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is now; ``size`` in bytes."""

    name: str
    incarnation: str
    size: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """`size` bytes of an object, from its byte `start` on, and where they lie."""

    start: int
    size: int
    token: str


class Index:
    """The objects of a bucket. May be shared between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str) -> Stored | None:
        """Return the object called `name`."""
        with self._database.autocommit() as connection:
            return _find(connection, name)

    def pieces(self, stored: Stored, start: int, *, most: int) -> Sequence[Piece]:
        """Return the next pieces, at most `most`, that hold the bytes from `start` on of a sealed object."""
        columns = object_pieces.c
        query = (
            select(columns.start, columns.size, columns.token)
            .where(columns.incarnation == stored.incarnation, columns.start + columns.size > start)
            .order_by(columns.start)
            .limit(most)
        )
        with self._database.autocommit() as connection:
            return [Piece(*row) for row in connection.execute(query)]

    @contextmanager
    def growing(self, name: str) -> Iterator["Growing"]:
        """Give the object `name` to one writer at a time, made where there is none.

        Raises:
            MarketError: WRONG_STATE when it is sealed, STORE_UNAVAILABLE when another writer keeps it too long.
        """
        while True:
            stored = self._find_or_make(name)
            with self._locked(stored) as connection:
                with connection.begin():
                    now = _find(connection, name)
                if now is None or now.incarnation != stored.incarnation:
                    continue  # deleted while we waited
                if now.sealed:
                    raise MarketError(ErrorCode.WRONG_STATE, "the object is complete and cannot be changed")
                yield Growing(connection, now)
                return

    def seal(self, name: str, size: int) -> None:
        """Make the object final once its writer has ended.

        Raises:
            MarketError: as `ObjectStore.seal`; STORE_UNAVAILABLE when its writer takes too long.
        """
        stored = self.find(name)
        if stored is None:
            raise MarketError(ErrorCode.NOT_FOUND, "there is no such object")
        if stored.sealed:
            return
        with self._locked(stored) as connection, connection.begin():
            now = _find(connection, name, for_update=True)
            if now is None or now.incarnation != stored.incarnation:
                raise MarketError(ErrorCode.NOT_FOUND, "the object was deleted meanwhile")
            if now.sealed:
                return
            if now.size != size:
                raise MarketError(ErrorCode.UPLOAD_OFFSET, f"{now.size} bytes are held")
            connection.execute(update(stored_objects).where(_is(now)).values(sealed=True))

    def remove(self, name: str) -> None:
        """Forget the object; whoever waits for it, or writes to it, finds it gone."""
        with self._database.autocommit() as connection:
            connection.execute(delete(stored_objects).where(stored_objects.c.name == name))

    def remove_below(self, prefix: str) -> None:
        """Forget every object whose name begins with `prefix` and a slash."""
        name = stored_objects.c.name
        after = chr(ord("/") + 1)
        with self._database.autocommit() as connection:
            connection.execute(delete(stored_objects).where(name >= f"{prefix}/", name < f"{prefix}{after}"))

    def living(self, incarnations: Collection[str]) -> set[str]:
        """Return which of the `incarnations` there are; any other never comes back."""
        column = stored_objects.c.incarnation
        with self._database.autocommit() as connection:
            return set(connection.execute(select(column).where(column.in_(incarnations))).scalars())

    def _find_or_make(self, name: str) -> Stored:
        fresh = {"name": name, "incarnation": secrets.token_hex(16), "size": 0, "sealed": False}
        with self._database.autocommit() as connection:
            while (stored := _find(connection, name)) is None:
                connection.execute(insert(stored_objects).values(fresh).on_conflict_do_nothing())
        return stored

    @contextmanager
    def _locked(self, stored: Stored) -> Iterator[Connection]:
        with holding(self._database, f"object/{stored.incarnation}", wait_s=WAIT_S) as connection:
            yield connection


class Growing:
    """An object in the hands of its one writer, whose lock is the connection's: without it nothing is recorded."""

    def __init__(self, connection: Connection, stored: Stored) -> None:
        self._connection = connection
        self.stored = stored

    def cut(self, size: int) -> tuple[Piece | None, list[str]]:
        """Give up what stands behind the first `size` bytes.

        Returns:
            The last piece that is left, and the tokens of those that nobody needs any more.
        """
        columns, ours = object_pieces.c, self._pieces()
        with self._connection.begin():
            self._resize(size)  # first, as whoever deletes it does: two never wait for each other
            behind = delete(object_pieces).where(ours, columns.start >= size).returning(columns.token)
            tokens = list(self._connection.execute(behind).scalars())
            straddling = ours & (columns.start + columns.size > size)
            self._connection.execute(update(object_pieces).where(straddling).values(size=size - columns.start))
            left = select(columns.start, columns.size, columns.token).where(ours)
            row = self._connection.execute(left.order_by(columns.start.desc()).limit(1)).one_or_none()
        return (None if row is None else Piece(*row)), tokens

    def record(self, piece: Piece) -> bool:
        """Let `piece` be the last of the object, in the place of one that begins where it does.

        Returns:
            Whether the object is still there; if not, the piece counts nowhere.
        """
        columns = object_pieces.c
        with self._connection.begin():
            if not self._resize(piece.start + piece.size):
                return False
            self._connection.execute(delete(object_pieces).where(self._pieces(), columns.start == piece.start))
            values = {"start": piece.start, "size": piece.size, "token": piece.token}
            self._connection.execute(insert(object_pieces).values(incarnation=self.stored.incarnation, **values))
        return True

    def _resize(self, size: int) -> bool:
        """Write the size down, and return whether the object is still there: its row stays until the commit."""
        statement = update(stored_objects).where(_is(self.stored)).values(size=size)
        if self._connection.execute(statement).rowcount == 0:
            return False
        self.stored = replace(self.stored, size=size)
        return True

    def _pieces(self) -> ColumnElement[bool]:
        return object_pieces.c.incarnation == self.stored.incarnation


def _find(connection: Connection, name: str, *, for_update: bool = False) -> Stored | None:
    columns = stored_objects.c
    query = select(columns.name, columns.incarnation, columns.size, columns.sealed).where(columns.name == name)
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    return None if row is None else Stored(*row)


def _is(stored: Stored) -> ColumnElement[bool]:
    return (stored_objects.c.name == stored.name) & (stored_objects.c.incarnation == stored.incarnation)
