"""Children of `countermark up`: ready when they say so, revived when they die, gone when their parent goes."""

import errno
import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from countermark.cli.up import processes as supervision
from countermark.cli.up.processes import ProcessError, ProcessGroup, ProcessSpec

READY = "import sys; print('child ready', file=sys.stderr, flush=True)"
SERVE = f"{READY}; sys.stdin.read(); import signal; signal.pause()"


def spec(tmp_path: Path, code: str, name: str = "child", ready_s: float = 20) -> ProcessSpec:
    return ProcessSpec(name, [sys.executable, "-c", code], "child ready", tmp_path / f"{name}.log", ready_s=ready_s)


def group(reports: list[str] | None = None) -> ProcessGroup:
    return ProcessGroup(dict(os.environ), (reports if reports is not None else []).append)


def test_start_returns_when_the_child_says_that_it_is_ready(tmp_path: Path) -> None:
    processes = group()
    processes.start(spec(tmp_path, SERVE))
    try:
        (pid,) = processes.pids().values()
        os.kill(pid, 0)
        assert "child ready" in (tmp_path / "child.log").read_text()
    finally:
        processes.stop()


def test_a_child_that_ends_before_it_is_ready_is_reported_with_its_log(tmp_path: Path) -> None:
    processes = group()
    with pytest.raises(ProcessError) as failed:
        processes.start(spec(tmp_path, "import sys; sys.exit('no such database')"))
    processes.stop()
    assert "ended before it was ready" in failed.value.detail
    assert "no such database" in failed.value.detail


def test_a_child_that_stays_silent_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    processes = group()
    with pytest.raises(ProcessError, match="not ready in time"):
        processes.start(spec(tmp_path, "import signal; signal.pause()", ready_s=0.3))
    processes.stop()


def test_a_dead_child_is_started_again(tmp_path: Path) -> None:
    reports: list[str] = []
    processes = group(reports)
    processes.start(spec(tmp_path, SERVE))
    try:
        (first,) = processes.pids().values()
        os.kill(first, signal.SIGKILL)
        while (second := processes.pids()["child"]) == first:
            processes.revive()
        os.kill(second, 0)
    finally:
        processes.stop()
    assert len(reports) == 1


def _pauses_of_deaths(processes: ProcessGroup, reports: list[str], deaths: int) -> list[str]:
    """Kill the child so often, each time once it is there, and return the pauses that were told."""
    for death in range(deaths):
        pid = processes.pids()["child"]
        os.kill(pid, signal.SIGKILL)
        while processes.pids()["child"] == pid:
            processes.revive()
        assert len(reports) == death + 1
    return [report.rpartition(" in ")[2] for report in reports]


def test_a_child_that_keeps_dying_is_started_ever_more_rarely(tmp_path: Path) -> None:
    reports: list[str] = []
    processes = group(reports)
    processes.start(spec(tmp_path, SERVE))
    try:
        assert _pauses_of_deaths(processes, reports, 3) == ["0.2 s", "0.4 s", "0.8 s"]
    finally:
        processes.stop()


def test_a_child_that_ran_well_and_died_is_started_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What kills it again and again from outside must not keep it away longer each time."""
    monkeypatch.setattr(supervision, "STEADY_S", 0.0)
    reports: list[str] = []
    processes = group(reports)
    processes.start(spec(tmp_path, SERVE))
    try:
        pids = processes.pids()
        for _ in range(2):
            os.kill(pids["child"], signal.SIGKILL)
            while processes.pids() == pids:
                processes.revive()
            pids = processes.pids()
            processes._processes["child"].wait_ready()
        assert [report.rpartition(" in ")[2] for report in reports] == ["0.2 s", "0.2 s"]
    finally:
        processes.stop()


def test_a_child_is_started_again_though_nobody_can_be_told(tmp_path: Path) -> None:
    def report(_text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    processes = ProcessGroup(dict(os.environ), report)
    processes.start(spec(tmp_path, SERVE))
    try:
        (first,) = processes.pids().values()
        os.kill(first, signal.SIGKILL)
        while processes.pids()["child"] == first:
            processes.revive()
    finally:
        processes.stop()


def test_stop_ends_children_that_ignore_the_polite_signal(tmp_path: Path) -> None:
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}\nwhile True: signal.pause()"
    processes = group()
    patient = spec(tmp_path, stubborn)
    processes.start(ProcessSpec(patient.name, patient.command, patient.ready, patient.log, stop_s=0.3))
    (pid,) = processes.pids().values()
    processes.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        from countermark.cli.up.processes import ProcessGroup, ProcessSpec
        processes = ProcessGroup(dict(os.environ), print)
        command = [sys.executable, "-c", {SERVE!r}]
        processes.start(ProcessSpec("child", command, "child ready", Path({str(tmp_path)!r}) / "log"))
        print(processes.pids()["child"], flush=True)
        signal.pause()
    """)
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
        process.wait()
        try:
            # A pidfd becomes readable when its process ends.
            ended, _, _ = select.select([child], [], [], 20)
            assert ended
        finally:
            os.close(child)
