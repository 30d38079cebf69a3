"""A generated network, and processes that end with their test."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from countermark.network.native.daemons import Daemon, known_daemons
from tests.unit.network.nodes.conftest import describe, folder, made

__all__ = ["daemon", "describe", "folder", "made", "sleeper"]

SLEEP: Sequence[str] = (sys.executable, "-ISc", "import signal; print('sleeping', flush=True); signal.pause()")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A process that does not run yet, and does not outlive the test."""
    run, logs = tmp_path / "run", tmp_path / "logs"
    yield Daemon("sleeper", run, logs)
    for one in known_daemons(run, logs):
        one.stop()


@pytest.fixture
def sleeper(daemon: Daemon) -> Daemon:
    """It runs."""
    daemon.start(SLEEP, {})
    daemon.wait(lambda: "sleeping" in daemon.tail(), 60)
    return daemon
