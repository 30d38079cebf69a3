"""A database by its URL: whole transactions, notifications, and one clear error when it is away."""

import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from countermark.platform.store.clock import now_ms
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import IntegrityError, text
from countermark.protocol.errors import ErrorCode, MarketError


def url_of(database: Database) -> str:
    return database._url.render_as_string(hide_password=False)


def test_a_transaction_is_kept_whole_or_not_at_all(empty_database: Database) -> None:
    with empty_database.begin() as connection:
        connection.execute(text("CREATE TABLE t (n int PRIMARY KEY)"))

    def fail() -> None:
        with empty_database.begin() as connection:
            connection.execute(text("INSERT INTO t VALUES (1)"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with empty_database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_every_usual_form_of_the_url_is_taken(postgres_url: str, scheme: str) -> None:
    database = Database(postgres_url.replace("postgresql+psycopg2", scheme))
    with database.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    database.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite:///x.db", "mysql://h/d", "postgresql://h", "postgresql://h:port/d"]
)
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(MarketError) as refused:
        Database(url)
    assert refused.value.code is ErrorCode.DATABASE_UNAVAILABLE


def test_a_password_is_never_shown() -> None:
    assert "hunter2" not in repr(Database("postgresql://me:hunter2@localhost/d"))
    with pytest.raises(MarketError) as refused:
        Database("postgresql://me:hunter2@localhost:port/d")
    assert "hunter2" not in repr(refused.value)
    assert refused.value.__cause__ is None


def _nobody_listens(folder: Path) -> list[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [f"postgresql://me@127.0.0.1:{port}/d", f"postgresql://me@/d?host={folder}"]


def test_a_server_that_is_away_is_one_clear_error(tmp_path: Path) -> None:
    for url in _nobody_listens(tmp_path):
        database = Database(url)
        with pytest.raises(MarketError) as failed, database.begin():
            pass
        assert failed.value.code is ErrorCode.DATABASE_UNAVAILABLE
        with pytest.raises(MarketError, match="database_unavailable"), database.listener("c"):
            pass


def test_a_connection_that_is_cut_is_the_same_error_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(MarketError) as failed, database.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert failed.value.code is ErrorCode.DATABASE_UNAVAILABLE
    with database.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_connections_that_were_cut_while_they_rested_fail_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a restart of the server does to a pool."""
    monkeypatch.setattr("countermark.platform.store.engine._RESTED_S", 0.0)
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND pid = :pid")
    with database.begin() as first, database.begin() as second:
        resting = [connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (first, second)]
    with closing(Database(url_of(database))) as other, other.begin() as connection:
        for pid in resting:
            connection.execute(cut, {"pid": pid})
    for _ in resting:
        with database.begin() as connection:
            assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() not in resting


def test_a_broken_constraint_is_not_an_unavailable_database(empty_database: Database) -> None:
    with empty_database.begin() as connection:
        connection.execute(text("CREATE TABLE t (n int PRIMARY KEY)"))
    with pytest.raises(IntegrityError), empty_database.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (1), (1)"))


def test_a_used_up_pool_is_one_clear_error(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Database(url_of(empty_database), pool_size=1)
    monkeypatch.setattr("countermark.platform.store.engine._POOL_TIMEOUT_S", 0.01)
    with small.begin(), pytest.raises(MarketError, match="in use"), small.begin():
        pass
    small.close()


def test_what_is_notified_in_a_transaction_arrives_when_it_commits(database: Database) -> None:
    with database.listener("news") as listener:
        with database.begin() as connection:
            connection.execute(text("SELECT pg_notify('news', 'one')"))
            assert listener.wait(0) == []
        assert listener.wait(10) == ["one"]
        assert listener.wait(0) == []


def test_a_waiting_listener_is_woken(database: Database) -> None:
    heard: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        with database.listener("news") as listener:
            listening.set()
            heard.extend(listener.wait(30))

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(30)
    with database.begin() as connection:
        connection.execute(text("SELECT pg_notify('news', 'up')"))
    thread.join()
    assert heard == ["up"]


@pytest.fixture
def many_files() -> Iterator[None]:
    """A process with so many open files that the next descriptor is above what select() can watch."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard < 4096 else 4096, hard))
    descriptors = [os.open(os.devnull, os.O_RDONLY)]
    while descriptors[-1] < 1024:
        descriptors.append(os.dup(descriptors[0]))
    yield
    for descriptor in descriptors:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_process_with_many_open_files_is_woken_too(database: Database) -> None:
    with database.listener("news") as listener:
        assert listener.wait(0.01) == []
        with database.begin() as connection:
            connection.execute(text("SELECT pg_notify('news', 'up')"))
        assert listener.wait(30) == ["up"]


def test_after_a_fork_parent_and_child_use_connections_of_their_own(database: Database) -> None:
    with database.begin() as connection:
        parent = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with database.begin() as connection:
            os.write(writer, str(connection.execute(text("SELECT pg_backend_pid()")).scalar_one()).encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert int(os.read(reader, 32)) != parent
    os.close(reader)
    os.close(writer)
    with database.begin() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() == parent


def test_the_clock_is_the_servers(database: Database) -> None:
    with database.begin() as connection:
        first, second = now_ms(connection), now_ms(connection)
    assert second >= first > 1_700_000_000_000
