"""The embedded database as a process: `python -m countermark.gateway.database --data DIR --url-file FILE`.

It ends when the server that it started ends, so that whoever runs it notices and starts both again.
"""

import argparse
import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
from pathlib import Path

from countermark.platform.store.postgres import EmbeddedPostgres, binaries, discard, folders
from countermark.protocol.errors import MarketError

__all__ = ["READY", "discard", "folders", "main", "program"]

READY = "database ready"

_PR_SET_CHILD_SUBREAPER = 36


def program() -> Path:
    """Return the server's program, as the embedded database would start it.

    Raises:
        MarketError: DATABASE_UNAVAILABLE when there is none.
    """
    return binaries.find(os.environ, None, Path()) / "postgres"


def main() -> int:
    """Run the server until SIGTERM or SIGINT (status 0) or until it dies (status 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the database")
    parser.add_argument("--url-file", type=Path, required=True, help="where the database's URL is written")
    arguments = parser.parse_args()
    told, teller = socket.socketpair()
    told.setblocking(False)
    teller.setblocking(False)
    # The handler itself does nothing: the byte that Python writes for the signal wakes the wait below.
    signal.set_wakeup_fd(teller.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    arguments.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    _adopt_orphans()
    try:
        with EmbeddedPostgres(arguments.data) as server:
            arguments.url_file.write_text(server.url)
            pid = server.pid
            server_fd = os.pidfd_open(pid)
            print(READY, file=sys.stderr, flush=True)
            waited_for: list[int] = [server_fd, told.fileno()]
            ended, _, _ = select.select(waited_for, [], [])
            if server_fd not in ended:
                return 0
            _bury(pid)
            return 1
    except MarketError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _adopt_orphans() -> None:
    """Make the server, which its starter leaves behind, a child of this process (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _bury(pid: int) -> None:
    """Wait for the server, which has ended; whether it is a child of ours or was there before us.

    As long as nobody does, a new server takes it for one that runs. The init process of a container may never do.
    """
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main())
