"""The embedded server: starts from nothing but a wheel, keeps its data, ends only itself, and never runs as root."""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from countermark.platform.store.engine import Database
from countermark.platform.store.postgres import EmbeddedPostgres, binaries, location
from countermark.platform.store.postgres.account import Account, unprivileged
from countermark.platform.store.postgres.location import POINTER, locate
from countermark.platform.store.sql import IntegrityError, text
from countermark.protocol.errors import ErrorCode, MarketError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to drop to")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that every account can traverse."""
    path = Path(tempfile.mkdtemp(prefix="countermark-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def initialised() -> Iterator[Path]:
    """A data directory as initdb and the first start leave it."""
    path = Path(tempfile.mkdtemp(prefix="countermark-test-"))
    path.chmod(0o711)
    with EmbeddedPostgres(path):
        pass
    yield locate(path).data
    shutil.rmtree(path)


@pytest.fixture
def used(folder: Path, initialised: Path) -> Path:
    """A data folder with such a directory in it: initdb takes the longest part of a first start."""
    subprocess.run(["cp", "-a", initialised, locate(folder).data], check=True)  # noqa: S607
    return folder


def running(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def run(server: EmbeddedPostgres, statement: str) -> object:
    database = Database(server.url)
    try:
        with database.begin() as connection:
            result = connection.execute(text(statement))
            return result.scalar_one() if result.returns_rows else None
    finally:
        database.close()


def test_data_and_url_survive_a_restart_and_a_kill(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        url = server.url
        run(server, "CREATE TABLE kept AS SELECT 42 AS n")
        assert str(run(server, "SHOW server_version")).startswith("18.")
        assert run(server, "SHOW listen_addresses") == ""
        pid = server.pid
    assert not running(pid)
    server = EmbeddedPostgres(folder)
    server.start()
    assert server.url == url
    assert run(server, "SELECT n FROM kept") == 42
    os.kill(server.pid, signal.SIGKILL)
    server._release()  # as the end of our own process would
    with EmbeddedPostgres(folder) as again:
        assert run(again, "SELECT n FROM kept") == 42


def test_a_server_that_outlived_its_starter_is_taken_over(used: Path) -> None:
    orphan = EmbeddedPostgres(used)
    orphan.start()
    pid = orphan.pid
    orphan._release()
    with EmbeddedPostgres(used) as server:
        assert server.pid == pid
        assert run(server, "SELECT 1") == 1
    assert not running(pid)


def test_a_data_folder_has_one_starter_and_may_be_stopped_twice(used: Path) -> None:
    with EmbeddedPostgres(used) as server:
        with pytest.raises(MarketError, match="another process"):
            EmbeddedPostgres(used).start()
        assert run(server, "SELECT 1") == 1
        server.stop()
        server.stop()


def test_an_initdb_that_was_cut_short_is_done_again(folder: Path) -> None:
    unfinished = locate(folder).folder / "data.new"
    unfinished.mkdir()
    (unfinished / "half").write_text("a file")
    with EmbeddedPostgres(folder) as server:
        assert run(server, "SELECT 1") == 1


def test_a_folder_of_another_release_is_refused_untouched(folder: Path) -> None:
    data = locate(folder).data
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(MarketError, match="is of PostgreSQL 16, the programs are of 18"):
        EmbeddedPostgres(folder).start()
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_pg_bin_names_other_programs(folder: Path) -> None:
    wheel = binaries.find({}, None, folder)
    assert binaries.find({"PG_BIN": str(wheel)}, None, folder) == wheel
    with pytest.raises(MarketError, match=f"no initdb in {folder}"):
        binaries.find({"PG_BIN": str(folder)}, None, folder)


def test_our_environment_does_not_reach_the_server(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("COUNTERMARK_CANARY", "secret")
    with EmbeddedPostgres(used) as server:
        assert b"COUNTERMARK_CANARY" not in Path(f"/proc/{server.pid}/environ").read_bytes()


def test_what_a_statement_says_is_in_no_log(used: Path) -> None:
    """A failed statement, and the row that it failed on, hold what only the tables may hold."""
    with EmbeddedPostgres(used) as server:
        run(server, "CREATE TABLE held (name text PRIMARY KEY)")
        for statement in ("INSERT INTO held VALUES ('canary')", "INSERT INTO held VALUES ('canary')"):
            with suppress(IntegrityError):
                run(server, statement)
    log = locate(used).log.read_text()
    assert "duplicate key value" in log
    assert "canary" not in log


def test_before_the_start_there_is_no_url(folder: Path) -> None:
    with pytest.raises(MarketError) as refused:
        _ = EmbeddedPostgres(folder).url
    assert refused.value.code is ErrorCode.DATABASE_UNAVAILABLE


def test_a_path_too_long_for_a_socket_gets_a_short_one_and_keeps_it(folder: Path, initialised: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    for path in (deep, deep.parent):
        path.chmod(0o711)
    found = locate(deep)
    try:
        assert found.folder == deep / "postgres"
        assert len(os.fsencode(found.socket_folder / ".s.PGSQL.5432")) < 108
        assert stat.S_IMODE(found.socket_folder.stat().st_mode) == 0o700
        assert locate(deep) == found
        found.socket_folder.rmdir()  # as a restart of the machine empties the folder for temporary files
        assert locate(deep) == found
        subprocess.run(["cp", "-a", initialised, found.data], check=True)  # noqa: S607
        with EmbeddedPostgres(deep) as server:
            assert run(server, "SELECT 1") == 1
    finally:
        shutil.rmtree(found.socket_folder)


@as_root
def test_as_root_server_and_files_belong_to_an_unprivileged_account(used: Path) -> None:
    with EmbeddedPostgres(used) as server:
        status = Path(f"/proc/{server.pid}").stat()
        assert status.st_uid != 0
        groups = Path(f"/proc/{server.pid}/status").read_text().split("Groups:")[1].splitlines()[0]
        assert groups.strip() == ""
        data = locate(used).data
        assert data.stat().st_uid == status.st_uid
        assert stat.S_IMODE(data.stat().st_mode) == 0o700


@as_root
def test_an_ordinary_user_runs_the_server_as_himself(used: Path) -> None:
    data = locate(used).data
    account = unprivileged(data)
    assert account is not None
    with EmbeddedPostgres(used):  # whatever is imported late, is now: the child may not be able to read it
        pass
    for path in (used, *used.iterdir()):
        os.chown(path, account.uid, account.gid)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            with EmbeddedPostgres(used) as server:
                assert run(server, "SELECT 1") == 1
                assert Path(f"/proc/{server.pid}").stat().st_uid == account.uid
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


@as_root
def test_below_a_closed_home_the_server_lives_under_a_system_folder_that_a_pointer_names(
    folder: Path, initialised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, system = folder / "home", folder / "system"
    home.mkdir(mode=0o700)
    system.mkdir(mode=0o755)
    found = locate(home / "data", system_folders=[folder / "missing", system])
    assert found.folder.parent == system
    assert (home / "data" / POINTER).read_text() == f"{found.folder}\n{found.socket_folder}\n"
    assert locate(home / "data") == found
    monkeypatch.setattr(location, "SYSTEM_FOLDERS", ())
    subprocess.run(["cp", "-a", initialised, found.data], check=True)  # noqa: S607
    with EmbeddedPostgres(home / "data") as server:
        assert run(server, "SELECT 1") == 1


@as_root
def test_without_any_folder_for_the_account_the_start_fails(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    with pytest.raises(MarketError, match="no folder"):
        locate(home / "data", system_folders=[])


def test_a_folder_that_the_pointer_names_and_that_is_gone_is_never_replaced_by_an_empty_one(folder: Path) -> None:
    (folder / POINTER).write_text(f"{folder}/gone\n{folder}/gone\n")
    with pytest.raises(MarketError, match="which is gone"):
        EmbeddedPostgres(folder).start()


@as_root
def test_a_folder_of_somebody_else_is_not_used(folder: Path) -> None:
    found = locate(folder)
    os.chown(found.folder, 12345, 12345)
    (folder / POINTER).write_text(f"{found.folder}\n{folder}/socket\n")
    socket_folder = folder / "socket"
    socket_folder.mkdir()
    os.chown(socket_folder, 54321, 54321)
    with pytest.raises(MarketError, match="belongs to another user"):
        locate(folder)


@pytest.mark.parametrize("planted", ["link", "file"])
def test_what_somebody_planted_in_the_sockets_place_is_not_given_away(folder: Path, planted: str) -> None:
    found = locate(folder)
    victim, place = folder / "victim", folder / "socket"
    victim.mkdir(mode=0o755)
    (folder / POINTER).write_text(f"{found.folder}\n{place}\n")
    place.symlink_to(victim) if planted == "link" else place.write_text("")
    with pytest.raises(MarketError, match="belongs to another user"):
        locate(folder)
    assert victim.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(victim.stat().st_mode) == 0o755


def test_a_discarded_database_leaves_nothing_behind(folder: Path) -> None:
    assert location.folders(folder) == ()
    found = locate(folder)
    assert location.folders(folder) == (found.folder,)
    location.discard(folder)
    location.discard(folder)
    assert list(folder.iterdir()) == []


@as_root
def test_programs_out_of_the_accounts_reach_are_copied_with_their_libraries(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = unprivileged(folder / "none yet")
    assert account is not None
    monkeypatch.setattr(Account, "can_traverse", lambda _self, path: path.is_relative_to(folder))
    copied = binaries.find({}, account, folder)
    assert copied.is_relative_to(folder)
    version = subprocess.run([copied / "postgres", "--version"], **account.subprocess_options(), capture_output=True)
    assert b"(PostgreSQL) 18" in version.stdout
    before = copied.stat().st_ctime_ns
    assert binaries.find({}, account, folder) == copied
    assert copied.stat().st_ctime_ns == before


@pytest.mark.parametrize(
    ("mode", "owner", "group", "enters"),
    [
        (0o700, 7, 7, True),
        (0o700, 8, 7, False),
        (0o710, 8, 7, True),
        (0o711, 8, 8, True),
        (0o707, 8, 7, False),
        (0o077, 7, 7, False),
        (0o744, 8, 8, False),
    ],
)
def test_the_first_class_that_fits_decides_who_may_enter(mode: int, owner: int, group: int, enters: bool) -> None:
    status = os.stat_result((stat.S_IFDIR | mode, 0, 0, 1, owner, group, 0, 0, 0, 0))
    assert Account(7, 7)._may_enter(status) is enters
