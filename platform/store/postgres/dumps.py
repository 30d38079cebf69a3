"""The platform's database as one file, by PostgreSQL's own `pg_dump` and `pg_restore`, whatever server it is on.

A dump shows one moment, and the platform goes on meanwhile. It is restored beside the database that is there; then
both change their names in one transaction, so that there is never half a database, and none is lost.
"""

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import psycopg2
from psycopg2 import sql
from sqlalchemy import URL

from countermark.platform.store.engine import parse_url
from countermark.platform.store.postgres import binaries
from countermark.protocol.errors import ErrorCode, MarketError

_MAINTENANCE = "postgres"
_LONGEST_NAME = 63  # bytes of a PostgreSQL identifier
_OBJECT_IN_USE = "55006"


@contextmanager
def dumping(url: str) -> Iterator[BinaryIO]:
    """Give the dump of the database that `url` names as a stream, in PostgreSQL's custom format.

    The caller reads it to its end within the block: only then is it known to be whole.

    Raises:
        MarketError: DATABASE_UNAVAILABLE: the program is missing, the server does not answer, or is a later release
            than the program.
    """
    parsed = parse_url(url)
    program = _program("pg_dump")
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--dbname={_dsn(parsed)}"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [program, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env=_environment(parsed),
        )
        try:
            with cast(BinaryIO, process.stdout) as stream:
                yield stream
        except BaseException:
            process.kill()
            process.wait()
            raise
        _check(process.wait(), "pg_dump", said)


def restore(url: str, dump: Path) -> str:
    """Make the database that `url` names what the file `dump` holds, and return the name of the one before.

    That is empty if there was none. Nothing changes for others until all of the dump has been restored.

    Raises:
        MarketError: DATABASE_UNAVAILABLE: somebody uses the database, the program is missing, the server does not
            answer or does not allow it, or the dump is damaged.
    """
    parsed = parse_url(url)
    program, name = _program("pg_restore"), str(parsed.database)
    fresh = _beside(name, "_restoring")
    with _server(parsed) as cursor:
        _check_unused(cursor, name)
        # What a run that was cut short has left.
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(fresh)))
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(fresh)))
    target = parsed.set(database=fresh)
    options = ["--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={_dsn(target)}", str(dump)]
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run([program, *options], stdin=subprocess.DEVNULL, stderr=said, env=_environment(target))
        _check(done.returncode, "pg_restore", said)
    with _server(parsed) as cursor:
        _check_unused(cursor, name)
        return _swap(cursor, name, fresh)


def _swap(cursor: Any, name: str, fresh: str) -> str:
    """Give the database `fresh` the name `name`, and the one that has it another; return that."""
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
    aside = _beside(name, f"_before_{datetime.now(UTC):%Y%m%dT%H%M%S%f}") if cursor.fetchone() else ""
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        cursor.execute("BEGIN")
        if aside:
            cursor.execute(rename.format(sql.Identifier(name), sql.Identifier(aside)))
        cursor.execute(rename.format(sql.Identifier(fresh), sql.Identifier(name)))
        cursor.execute("COMMIT")
    except psycopg2.Error as error:
        if error.pgcode == _OBJECT_IN_USE:
            raise _unavailable(f"the database {name} is in use") from error
        raise
    return aside


def _check_unused(cursor: Any, name: str) -> None:
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (name,))
    (connections,) = cursor.fetchone()
    if connections:
        raise _unavailable(f"the database {name} is in use by {connections} connections: stop the platform first")


@contextmanager
def _server(url: URL) -> Iterator[Any]:
    """Give a cursor on the server's database for such work; each statement is a transaction unless it begins one."""
    try:
        connection = psycopg2.connect(url.set(drivername="postgresql", database=_MAINTENANCE).render_as_string(False))
        with contextlib.closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
    except psycopg2.Error as error:
        said = str(error).strip().splitlines()
        raise _unavailable(said[0] if error.pgcode and said else "the server does not answer") from error


def _program(name: str) -> str:
    folder = binaries.find(os.environ, None, Path())
    program = folder / name
    if not program.is_file():
        raise _unavailable(f"no {name} in {folder}: PG_BIN names a folder with PostgreSQL's client programs")
    return str(program)


def _dsn(url: URL) -> str:
    """Return `url` for libpq, without its password: command lines are for everybody to see."""
    # `set` takes None for "as it is".
    return URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string()


def _environment(url: URL) -> Mapping[str, str]:
    own = {name: value for name, value in os.environ.items() if name != "PGPASSWORD"}
    return {**own, **({"PGPASSWORD": str(url.password)} if url.password else {}), "LC_ALL": "C"}


def _check(status: int, program: str, said: IO[str]) -> None:
    if status:
        said.seek(0)
        lines = _without_values(said.read().splitlines())
        raise _unavailable(f"{program} ended with {status}: {lines[0] if lines else 'no message'}")


def _without_values(lines: Sequence[str]) -> list[str]:
    """Return what a program says went wrong, without statements and rows, which follow on lines of their own."""
    return [line for line in lines if re.match(r"pg_\w+: (error|fatal|detail): ", line)]


def _beside(name: str, ending: str) -> str:
    """Return the name of a database beside `name`, as long as the server allows."""
    kept = name.encode()[: _LONGEST_NAME - len(ending)].decode(errors="ignore")
    return kept + ending


def _unavailable(detail: str) -> MarketError:
    return MarketError(ErrorCode.DATABASE_UNAVAILABLE, detail)
