"""The process in which a stranger's data are decrypted: what it cannot do, whatever runs in it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from countermark.client.disputes import isolation
from countermark.client.disputes.examination import Question
from countermark.client.errors import ClientError
from countermark.protocol import ids
from countermark.protocol.decisions import Finding
from countermark.protocol.encoding import digest
from countermark.protocol.packages import PackageHeader
from countermark.protocol.sealed import EncryptionKey
from tests.support.market import actor

CONFINED = """
import json, os, socket, subprocess, sys, threading
from countermark.client.disputes.confinement import Limits, confine
{before}
confine(Limits(cpu_s=30, memory=1 << 30, file=1 << 20))
told = []
def tried(act):
    try:
        act()
        told.append("done")
    except (OSError, MemoryError) as error:
        told.append(type(error).__name__)
{acts}
print(json.dumps(told))
"""


def confined(acts: str, before: str = "") -> list[str]:
    """Return how each act ended in a confined process: with its error, or "done"."""
    program = CONFINED.format(acts=acts, before=before)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tempfile.gettempdir(),
    )
    told: list[str] = json.loads(done.stdout)
    return told


@pytest.mark.requirement("R71")
@pytest.mark.parametrize(
    "act",
    [
        "socket.socket()",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "socket.create_connection(('127.0.0.1', 1))",
        "subprocess.run(['true'])",
        "os.execv(sys.executable, [sys.executable])",
        "os.fork()",
        "os.kill(os.getppid(), 0)",
        "open(f'/proc/{os.getppid()}/mem', 'r+b')",
        "open('written', 'w')",
        "open(sys.executable, 'ab')",
        "os.mkdir('folder')",
        "os.rename('a', 'b')",
        "os.unlink('a')",
        "os.link('a', 'b')",
        "os.truncate('a', 0)",
    ],
)
def test_neither_network_nor_another_program_process_or_name(act: str) -> None:
    assert confined(f"tried(lambda: {act})") == ["PermissionError"]


def test_no_more_memory_and_no_longer_file_than_allowed() -> None:
    before = """
import signal, tempfile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = tempfile.TemporaryFile()
"""
    acts = """
tried(lambda: bytearray(2 << 30))
tried(lambda: os.pwrite(file.fileno(), b"x", 1 << 21))
"""
    assert confined(acts, before) == ["MemoryError", "OSError"]


def test_files_are_read_and_such_without_a_name_written() -> None:
    acts = """
tried(lambda: open(os.__file__).read())
tried(lambda: os.write(os.open(".", os.O_TMPFILE | os.O_RDWR), b"x"))
"""
    assert confined(acts) == ["done", "done"]


def test_threads_that_ran_before_are_confined_too() -> None:
    before = """
go, results = threading.Event(), []
def wait():
    go.wait()
    tried(socket.socket)
thread = threading.Thread(target=wait)
thread.start()
"""
    acts = """
go.set()
thread.join()
"""
    assert confined(acts, before) == ["PermissionError"]


def question(package: Path) -> Question:
    seller, buyer = actor("seller"), actor("buyer")
    listing = ids.listing_address(market="market/c", c_f=digest(b"f"), seller=seller.address, nonce="A" * 22)
    trade = ids.trade_id(market="market/c", listing=listing, buyer=buyer.address, nonce="A" * 22)
    return Question(
        package=package,
        header=PackageHeader(trade, buyer.address, seller.address, listing),
        root=digest(b"root"),
        c_f=digest(b"f"),
        c_exact=digest(b"exact"),
        generators=("image/v1",),
        key=EncryptionKey.generate(),
    )


def test_what_is_no_package_is_not_the_committed_one(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.write_bytes(b"no package")
    assert isolation.ask(question(package), tmp_path) is Finding.NO_BYTES


def test_a_package_that_cannot_be_read_says_nothing_of_what_was_sent(tmp_path: Path) -> None:
    with pytest.raises(ClientError) as caught:
        isolation.ask(question(tmp_path / "missing"), tmp_path)
    assert caught.value.here


def test_the_key_is_in_no_argument_and_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    package.write_bytes(b"no package")
    monkeypatch.setenv("COUNTERMARK_PASSPHRASE_FILE", "/of/the/arbiter")
    started: list[tuple[object, object]] = []
    run = subprocess.run

    def watched(arguments: list[str], **options: object) -> object:
        started.append((arguments, options["env"]))
        return run(arguments, **options)  # type: ignore[call-overload]  # as it was called

    monkeypatch.setattr(subprocess, "run", watched)
    isolation.ask(question(package), tmp_path)
    ((arguments, environment),) = started
    assert "COUNTERMARK" not in str(environment)
    assert len(str(arguments)) < 200
