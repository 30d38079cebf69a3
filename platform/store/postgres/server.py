"""Starts and stops one PostgreSQL server on a Unix socket.

`pg_ctl` does the waiting and finds the server by its data directory, so nobody else's process is ever ended, and a
server that outlived its starter is taken over. It listens on no network address; its socket's folder is entered by
the account that runs it (and root) alone, which is why the connection itself needs no password.
"""

import contextlib
import fcntl
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

import psycopg2

from countermark.platform.store.postgres import binaries
from countermark.platform.store.postgres.location import Location, locate
from countermark.protocol.errors import ErrorCode, MarketError

_ROLE = "countermark"
_DATABASE = "countermark"
_TIMEOUT_S = 60
_RECOVERY_S = 20
_SILENT = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
"""Settings that keep the values of statements, and of the rows that one failed on, out of the server's log."""
_NOT_RUNNING = 3  # pg_ctl status: no server runs


class EmbeddedPostgres:
    """The PostgreSQL server of one data folder; a context manager that starts and stops it."""

    def __init__(self, data_folder: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self._data_folder = data_folder
        self._environment = os.environ if environment is None else environment
        self._location: Location | None = None
        self._bin = Path()
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, making its database the first time, and return when it answers.

        Raises:
            MarketError: DATABASE_UNAVAILABLE: in use by another process, of another release, or it did not start.
        """
        location = locate(self._data_folder)
        lock = (self._data_folder / "postgres.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "another process runs this data folder") from None
        self._location, self._lock = location, lock
        try:
            self._bin = binaries.find(self._environment, location.account, location.folder)
            self._initialise(location)
            self._bring_up(location)
        except BaseException:
            self._release()
            raise

    def stop(self) -> None:
        """End the server: connections are cut, everything committed is on disk. To stop it twice does nothing.

        Raises:
            MarketError: DATABASE_UNAVAILABLE when it does not end.
        """
        if self._lock is None:
            return
        data = str(self._at.data)
        if self._run("pg_ctl", "status", "-D", data, ok=(0, _NOT_RUNNING)) == 0:
            with _ending(self.pid):
                self._run("pg_ctl", "stop", "-D", data, "-m", "fast", "-w", "-t", str(_TIMEOUT_S))
        self._release()

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the platform's database, the same at every start."""
        return self.database_url(_DATABASE)

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        return int((self._at.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def database_url(self, name: str) -> str:
        """Return the URL of the database `name` on this server."""
        socket_folder = quote(str(self._at.socket_folder), safe="")
        return f"postgresql+psycopg2://{_ROLE}@/{quote(name, safe='')}?host={socket_folder}"

    @property
    def _at(self) -> Location:
        if self._location is None:
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "PostgreSQL was not started")
        return self._location

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _initialise(self, location: Location) -> None:
        """Make the data directory, or check that its release is the one of our programs."""
        version_file = location.data / "PG_VERSION"
        if version_file.exists():
            found, ours = version_file.read_text().strip(), self._release_number()
            if found != ours:
                detail = f"{location.data} is of PostgreSQL {found}, the programs are of {ours}"
                raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, detail)
            return
        # A folder of this name without PG_VERSION is an initdb that was cut short: it never held anything.
        unfinished = location.folder / "data.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        self._run(
            "initdb",
            "--pgdata",
            str(unfinished),
            "--username",
            _ROLE,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale-provider",
            "builtin",
            "--locale",
            "C.UTF-8",  # the same order of text on every machine
            "--no-instructions",
        )
        unfinished.rename(location.data)

    def _bring_up(self, location: Location) -> None:
        """Have a server that answers: one that outlived its starter, or a new one."""
        # After a crash, what is left of the old server takes a moment to die, and a new one cannot start meanwhile.
        # Each turn waits for a program to end, so this is no busy loop.
        patience_s = _RECOVERY_S if (location.data / "postmaster.pid").exists() else 0
        give_up = time.monotonic() + patience_s
        while True:
            try:
                if self._run("pg_ctl", "status", "-D", str(location.data), ok=(0, _NOT_RUNNING)) == _NOT_RUNNING:
                    self._launch(location)
                self._create_database()
            except MarketError:
                if time.monotonic() > give_up:
                    raise
            else:
                return

    def _launch(self, location: Location) -> None:
        settings = {"listen_addresses": "", "timezone": "UTC", **_SILENT}
        if sys.platform == "linux":
            # After a crash: one call for the whole folder instead of opening each of its files, which takes seconds.
            settings["recovery_init_sync_method"] = "syncfs"
        assigned = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        options = shlex.join(["-k", str(location.socket_folder), *assigned])
        log = ("-l", str(location.log))
        self._run("pg_ctl", "start", "-D", str(location.data), *log, "-o", options, "-w", "-t", str(_TIMEOUT_S))

    def _create_database(self) -> None:
        host = str(self._at.socket_folder)
        try:
            connection = psycopg2.connect(host=host, user=_ROLE, dbname="postgres")
        except psycopg2.OperationalError as error:
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "the started PostgreSQL does not answer") from error
        with contextlib.closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(f'CREATE DATABASE "{_DATABASE}"')

    def _release_number(self) -> str:
        printed = self._capture("postgres", "--version").stdout
        match = re.search(r"\(PostgreSQL\) (\d+)", printed)
        if match is None:
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, f"{self._bin}/postgres does not tell its version")
        return match.group(1)

    def _run(self, program: str, *arguments: str, ok: tuple[int, ...] = (0,)) -> int:
        """Run one of PostgreSQL's programs and return its exit status, which must be one of `ok`."""
        done = self._capture(program, *arguments)
        if done.returncode not in ok:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            detail = f"{program} ended with {done.returncode}: {said[-1] if said else 'no message'}"
            raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, f"{detail}; see {self._at.log}")
        return done.returncode

    def _capture(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        account = self._at.account
        # The server inherits pg_ctl's streams: with pipes for them, reading to the end would wait for the server.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            status = subprocess.run(
                [str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self._at.folder,
                # Nothing of our environment: it may name files with secrets, and PG* variables would mislead.
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                timeout=2 * _TIMEOUT_S,
                check=False,
                umask=0o077,
                **(account.subprocess_options() if account else {}),
            ).returncode
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(program, status, out.read(), err.read())


@contextlib.contextmanager
def _ending(pid: int) -> Iterator[None]:
    """Wait, after the block has ended process `pid`, until it is really gone: pg_ctl only sees its file removed."""
    if not hasattr(os, "pidfd_open"):  # Linux alone has it; elsewhere the last milliseconds are not waited for
        yield
        return
    process = os.pidfd_open(pid)
    try:
        yield
        select.select([process], [], [], _TIMEOUT_S)
    finally:
        os.close(process)
