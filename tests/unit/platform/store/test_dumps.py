"""The database as one file: restored whole beside what is there, which is kept, or not at all."""

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from countermark.platform.store.engine import Database
from countermark.platform.store.migrations import migrate
from countermark.platform.store.postgres import EmbeddedPostgres, dumps
from countermark.platform.store.sql import text
from countermark.platform.store.tables import request_nonces
from countermark.protocol.errors import ErrorCode, MarketError
from tests.fixtures.postgres import execute

_numbers = itertools.count()


def unavailable(text: str) -> pytest.RaisesExc[MarketError]:
    return pytest.RaisesExc(MarketError, match=text, check=lambda error: error.code is ErrorCode.DATABASE_UNAVAILABLE)


@pytest.fixture
def url(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A database of its own with the present schema; it and whatever is put aside are dropped afterwards."""
    name = f"dumped{next(_numbers)}"
    execute(postgres_server.url, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield postgres_server.database_url(name)
    for one in databases(postgres_server.url):
        if one == name or one.startswith(f"{name}_"):
            execute(postgres_server.url, f'DROP DATABASE "{one}" WITH (FORCE)')


def databases(url: str) -> list[str]:
    return column(url, "SELECT datname FROM pg_database ORDER BY datname")


def column(url: str, query: str) -> list[str]:
    connection = psycopg2.connect(url.replace("postgresql+psycopg2", "postgresql"))
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return [row[0] for row in cursor.fetchall()]
    finally:
        connection.close()


def nonces(url: str) -> list[str]:
    return column(url, "SELECT nonce FROM request_nonces ORDER BY nonce")


def use(url: str, nonce: str) -> None:
    database = Database(url)
    with database.begin() as connection:
        connection.execute(request_nonces.insert().values(account="key", nonce=nonce, expires_ms=1))
    database.close()


def dump(url: str, path: Path) -> Path:
    with dumps.dumping(url) as stream:
        path.write_bytes(stream.read())
    return path


def beside(url: str, server: EmbeddedPostgres, name: str) -> str:
    assert name in databases(server.url)
    assert name.startswith(str(make_url(url).database))
    return server.database_url(name)


def test_database_is_what_it_was_and_what_came_after_is_kept_aside(
    url: str, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    use(url, "before")
    file = dump(url, tmp_path / "dump")
    use(url, "after")
    aside = dumps.restore(url, file)
    assert nonces(url) == ["before"]
    assert nonces(beside(url, postgres_server, aside)) == ["after", "before"]
    again = dumps.restore(url, file)
    assert nonces(url) == ["before"]
    assert again != aside
    database = Database(url)
    migrate(database)  # its schema is known to be the present one
    database.close()


def test_dump_shows_one_moment_while_others_write(url: str, tmp_path: Path) -> None:
    use(url, "before")
    with dumps.dumping(url) as stream:
        first = stream.read(1)
        use(url, "meanwhile")
        (tmp_path / "dump").write_bytes(first + stream.read())
    dumps.restore(url, tmp_path / "dump")
    assert "before" in nonces(url)


def test_lost_database_is_made_anew(url: str, postgres_server: EmbeddedPostgres, tmp_path: Path) -> None:
    use(url, "before")
    file = dump(url, tmp_path / "dump")
    execute(postgres_server.url, f'DROP DATABASE "{make_url(url).database}"')
    assert dumps.restore(url, file) == ""
    assert nonces(url) == ["before"]


def test_database_in_use_is_not_restored(url: str, tmp_path: Path) -> None:
    file = dump(url, tmp_path / "dump")
    use(url, "after")
    database = Database(url)
    with database.session() as connection:
        connection.execute(text("SELECT 1"))
        with unavailable("in use by 1 connections: stop the platform first"):
            dumps.restore(url, file)
    database.close()
    assert nonces(url) == ["after"]


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_damaged_dump_changes_nothing_and_the_next_good_one_is_restored(
    url: str, postgres_server: EmbeddedPostgres, tmp_path: Path, share: float
) -> None:
    use(url, "before")
    file = dump(url, tmp_path / "dump")
    use(url, "after")
    before = databases(postgres_server.url)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with unavailable("pg_restore ended with 1: pg_restore: error"):
        dumps.restore(url, damaged)
    assert nonces(url) == ["after", "before"]
    left = set(databases(postgres_server.url)) - set(before)
    assert left <= {f"{make_url(url).database}_restoring"}
    dumps.restore(url, file)
    assert nonces(url) == ["before"]
    assert f"{make_url(url).database}_restoring" not in databases(postgres_server.url)


def test_failed_dump_is_not_taken_for_a_whole_one(postgres_server: EmbeddedPostgres) -> None:
    with (
        unavailable("pg_dump ended with 1: pg_dump: error"),
        dumps.dumping(postgres_server.database_url("there_is_none")) as stream,
    ):
        assert stream.read() == b""


def test_reader_who_gives_up_ends_the_program(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*args: object, **options: object) -> "subprocess.Popen[bytes]":
        started.append(popen(*args, **options))  # type: ignore[call-overload]  # whatever it is given
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with pytest.raises(OSError, match="full"), dumps.dumping(url):
        raise OSError("full")
    (process,) = started
    assert process.returncode is not None


def test_password_is_on_no_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[list[str], dict[str, str]]] = []

    def noted(command: list[str], *, env: dict[str, str], **_: object) -> None:
        called.append((command, env))
        raise OSError("not started")

    monkeypatch.setattr(subprocess, "Popen", noted)
    with pytest.raises(OSError, match="not started"), dumps.dumping("postgresql://me:s3cr3t@db.example:5433/market"):
        pass
    ((command, environment),) = called
    assert "s3cr3t" not in " ".join(command)
    assert "db.example:5433/market" in " ".join(command)
    assert environment["PGPASSWORD"] == "s3cr3t"


def test_missing_program_is_named(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("initdb", "postgres", "pg_ctl"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with unavailable(f"no pg_dump in {tmp_path}: PG_BIN"), dumps.dumping(url):
        pass
    with unavailable(f"no pg_restore in {tmp_path}: PG_BIN"):
        dumps.restore(url, tmp_path / "dump")


def test_server_that_is_away_is_told(tmp_path: Path) -> None:
    away = f"postgresql+psycopg2://nobody@/market?host={tmp_path}"
    with unavailable("the server does not answer"):
        dumps.restore(away, tmp_path / "dump")
