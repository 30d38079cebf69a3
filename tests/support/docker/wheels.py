"""An index for builds: the locked wheels, fetched the way in which this environment was made, served on loopback.

So a build needs nothing of how this machine reaches the package index, and no credentials of it.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from docker import locked
from tests.support.docker.files import ROOT


def fetch(folder: Path) -> None:
    """Put the wheels of all images into `folder`; pip's own cache has most of them."""
    everything = list(locked.parse((ROOT / "requirements.lock").read_text()))
    wanted = {one.name: one.text for image in locked.IMAGES for one in locked.needed(everything, image)}
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(wanted.values()))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    options = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--dest",
        str(folder),
        "--requirement",
        str(requirements),
    ]
    subprocess.run([*command, *options], check=True, timeout=600)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve `folder` and give a pip.conf that knows no other index."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"[global]\nno-index = true\nfind-links = http://127.0.0.1:{server.server_port}/\n"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
