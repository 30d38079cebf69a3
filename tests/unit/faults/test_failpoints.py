"""An armed point acts once, in one process, and says that it was reached; without a folder nothing happens."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from countermark.faults import DIRECTORY, Action, InjectedFault, Point, arm, armed, reach, reached, visits

POINT = Point.ENVELOPE_SAVED


def test_without_a_folder_nothing_happens() -> None:
    reach(POINT, {})
    reach(POINT, {DIRECTORY: ""})


def test_a_point_that_nobody_armed_does_nothing(tmp_path: Path) -> None:
    arm(tmp_path, Point.REQUEST_SAVED, Action.FAIL)
    reach(POINT, {DIRECTORY: str(tmp_path)})
    assert (armed(tmp_path), reached(tmp_path)) == ([Point.REQUEST_SAVED], {})


def test_an_armed_point_acts_once_and_says_so(tmp_path: Path) -> None:
    for _ in range(2):
        arm(tmp_path, POINT, Action.FAIL)
        with pytest.raises(InjectedFault):
            reach(POINT, {DIRECTORY: str(tmp_path)})
        reach(POINT, {DIRECTORY: str(tmp_path)})
    assert (armed(tmp_path), reached(tmp_path)) == ([], {POINT: 2})
    assert visits(tmp_path) == [(POINT, os.getpid())] * 2


def test_killing_leaves_the_process_no_last_word(tmp_path: Path) -> None:
    arm(tmp_path, POINT, Action.KILL)
    program = "from countermark.faults import Point, reach\ntry: reach(Point.ENVELOPE_SAVED)\nfinally: print('alive')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, DIRECTORY: str(tmp_path)},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
    assert reached(tmp_path) == {POINT: 1}


def test_a_held_process_goes_on_when_it_is_let_go(tmp_path: Path) -> None:
    arm(tmp_path, POINT, Action.HOLD)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(reach, POINT, {DIRECTORY: str(tmp_path)})
        with (tmp_path / f"{POINT}.hold").open("wb"):  # opens when the other side has
            assert reached(tmp_path) == {POINT: 1}
            assert not held.done()
        held.result(30)
