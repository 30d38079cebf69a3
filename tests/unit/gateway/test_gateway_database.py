"""The embedded database as a process: it ends with its server, and the next is there soon, with what was stored."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.gateway.database import READY, folders
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import text
from tests.support.processes import WAIT_S, Process


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that PostgreSQL's account can traverse."""
    path = Path(tempfile.mkdtemp(prefix="countermark-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def start(folder: Path) -> Process:
    command = [sys.executable, "-m", "countermark.gateway.database"]
    process = Process([*command, "--data", str(folder), "--url-file", str(folder / "url")])
    process.wait_line(READY)
    return process


def server(folder: Path) -> int:
    return int((folders(folder)[0] / "data" / "postmaster.pid").read_text().splitlines()[0])


def test_a_killed_server_is_noticed_and_leaves_nothing_in_the_way_of_the_next(folder: Path) -> None:
    process = start(folder)
    try:
        database = Database((folder / "url").read_text())
        with database.begin() as connection:
            connection.execute(text("CREATE TABLE kept AS SELECT 1 AS one"))
        database.close()
        killed = server(folder)
        os.kill(killed, signal.SIGKILL)
        assert process.process.wait(WAIT_S) == 1
        # Not even as a zombie, which a new server would take for one that runs.
        with pytest.raises(ProcessLookupError):
            os.kill(killed, 0)
        process.end()
        process = start(folder)
        with database.begin() as connection:
            assert connection.execute(text("SELECT one FROM kept")).scalar_one() == 1
        database.close()
    finally:
        assert process.end() == 0


def test_a_server_whose_starter_was_killed_goes_on_and_is_ended_by_the_next(folder: Path) -> None:
    first = start(folder)
    running = server(folder)
    first.end(signal.SIGKILL)
    second = start(folder)
    assert server(folder) == running
    assert second.end() == 0
    assert not (folders(folder)[0] / "data" / "postmaster.pid").exists()
