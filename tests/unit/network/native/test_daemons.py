"""Processes in the background: started once, known again whoever asks, never mistaken for others, never lost."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from countermark.network.native.daemons import Daemon, known_daemons
from countermark.network.native.errors import RunError
from tests.unit.network.native.conftest import SLEEP

WAIT_S = 60.0


def same(daemon: Daemon) -> Daemon:
    """The daemon as a later command knows it."""
    return Daemon(daemon.name, daemon.run, daemon.logs)


def record(daemon: Daemon) -> Path:
    return daemon.run / f"{daemon.name}.json"


def python(text: str) -> list[str]:
    return [sys.executable, "-ISc", text]


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while not gone(pid):
        assert time.monotonic() < deadline, f"{pid} still runs"


def test_it_runs_until_it_is_stopped_whoever_asks(sleeper: Daemon) -> None:
    pid = sleeper.pid
    assert pid is not None
    assert same(sleeper).pid == pid
    assert sleeper.command == list(SLEEP)
    same(sleeper).stop()
    assert sleeper.pid is None
    assert gone(pid)


def test_starting_what_runs_changes_nothing(sleeper: Daemon) -> None:
    pid, before = sleeper.pid, record(sleeper).read_bytes()
    same(sleeper).start(python("raise SystemExit"), {})
    assert (sleeper.pid, record(sleeper).read_bytes()) == (pid, before)


def test_it_starts_again_after_a_stop_and_its_log_goes_on(sleeper: Daemon) -> None:
    first = sleeper.pid
    sleeper.stop()
    sleeper.stop()
    sleeper.start(SLEEP, {})
    sleeper.wait(lambda: sleeper.tail().count("sleeping") == 2, WAIT_S)
    assert sleeper.pid not in (None, first)


def test_one_that_was_killed_is_known_to_have_ended(sleeper: Daemon) -> None:
    pid = sleeper.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    assert same(sleeper).pid is None
    sleeper.start(SLEEP, {})
    assert sleeper.pid not in (None, pid)


def test_one_that_does_not_listen_to_sigterm_is_killed(daemon: Daemon) -> None:
    daemon.start(
        python("import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\nwhile 1: signal.pause()"),
        {},
    )
    daemon.wait(lambda: "up" in daemon.tail(), WAIT_S)
    pid = daemon.pid
    assert pid is not None
    daemon.stop(timeout_s=0.2)
    assert gone(pid)


@pytest.mark.parametrize("started", ["", "0", "another boot/1"])
def test_a_process_that_got_the_pid_of_one_that_ended_is_neither_taken_for_it_nor_ended(
    sleeper: Daemon, started: str
) -> None:
    pid = sleeper.pid
    assert pid is not None
    true = record(sleeper).read_text()
    record(sleeper).write_text(json.dumps({**json.loads(true), "started": started}))
    assert sleeper.pid is None
    sleeper.ask_to_end(signal.SIGKILL)
    sleeper.stop()
    assert not gone(pid), "somebody else's process was ended"
    record(sleeper).write_text(true)
    assert sleeper.pid == pid


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"pid": "x", "started": ""}', '{"pid": 1}', "\xff"])
def test_a_damaged_record_is_of_nothing_that_runs(daemon: Daemon, text: str) -> None:
    daemon.run.mkdir()
    record(daemon).write_bytes(text.encode("latin-1"))
    assert (daemon.pid, daemon.command) == (None, [])
    daemon.start(SLEEP, {})
    assert daemon.pid is not None


def test_its_record_is_for_the_owner_only(sleeper: Daemon) -> None:
    assert stat.S_IMODE(record(sleeper).stat().st_mode) == 0o600


def test_it_gets_the_environment_that_it_is_given_and_no_input(daemon: Daemon) -> None:
    text = "import os, sys; print(sorted(os.environ), repr(sys.stdin.read()), os.getsid(0) == os.getpid())"
    daemon.start(python(text), {"ONLY": "this"})
    daemon.wait(lambda: daemon.pid is None, WAIT_S)
    assert daemon.tail() in ("['LC_CTYPE', 'ONLY'] '' True", "['ONLY'] '' True")


def test_a_program_that_is_not_there_is_named_and_leaves_no_record(daemon: Daemon, tmp_path: Path) -> None:
    missing = tmp_path / "peer"
    with pytest.raises(RunError, match=rf"not_started: sleeper: there is no program {missing}"):
        daemon.start([str(missing), "node", "start"], {})
    assert daemon.pid is None
    assert not record(daemon).exists()


def test_one_that_cannot_be_run_says_so_in_its_log(daemon: Daemon, tmp_path: Path) -> None:
    program = tmp_path / "peer"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    daemon.start([str(program)], {})
    with pytest.raises(RunError, match="Exec format error"):
        daemon.wait(lambda: False, WAIT_S)


def test_waiting_for_one_that_ends_says_where_its_log_is_and_how_it_ends(daemon: Daemon) -> None:
    daemon.start(python("raise SystemExit('cannot listen on 127.0.0.1:1')"), {})
    with pytest.raises(RunError) as failed:
        daemon.wait(lambda: False, WAIT_S)
    assert failed.value.code == "not_started"
    assert str(daemon.log) in failed.value.detail
    assert failed.value.detail.endswith("cannot listen on 127.0.0.1:1")


def test_waiting_for_one_that_is_never_ready_ends_and_says_where_its_log_is(sleeper: Daemon) -> None:
    with pytest.raises(RunError, match="not_ready") as failed:
        sleeper.wait(lambda: False, 0.1)
    assert str(sleeper.log) in failed.value.detail
    assert sleeper.pid is not None, "it is left to the operator"


def test_of_a_long_log_the_end_is_told(daemon: Daemon) -> None:
    daemon.logs.mkdir()
    daemon.log.write_bytes(b"\xff" * 10_000 + b"the end\n")
    assert daemon.tail().endswith("the end")
    assert len(daemon.tail()) <= 2_000
    assert Daemon("other", daemon.run, daemon.logs).tail() == ""


STARTER = """
import os, signal, sys
from pathlib import Path
from countermark.network.native import daemons
run, logs, end = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
write = daemons.write_file

def ended(path, data, **options):
    if end == "after":
        write(path, data, **options)
    print(__import__("json").loads(data)["pid"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

daemons.write_file = ended
daemons.Daemon("sleeper", run, logs).start([sys.executable, "-ISc", "import signal; signal.pause()"], {})
"""


@pytest.mark.parametrize("end", ["before", "after"])
def test_a_starter_that_is_killed_leaves_no_process_that_nobody_knows_of(daemon: Daemon, end: str) -> None:
    """Before or after the record is written; it would hold the node's ports and its ledger."""
    command = [sys.executable, "-c", STARTER, str(daemon.run), str(daemon.logs), end]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    wait_gone(int(done.stdout))
    assert record(daemon).exists() is (end == "after")
    assert daemon.pid is None
    daemon.start(SLEEP, {})
    assert daemon.pid is not None


def test_all_that_were_started_from_a_folder_are_known(sleeper: Daemon) -> None:
    other = Daemon("chaincode.peer0.platform.odd", sleeper.run, sleeper.logs)
    other.start(SLEEP, {})
    assert [(one.name, one.pid) for one in known_daemons(sleeper.run, sleeper.logs)] == [
        (other.name, other.pid),
        (sleeper.name, sleeper.pid),
    ]
    assert known_daemons(sleeper.run / "nowhere", sleeper.logs) == []
