"""One whole platform, started once as its users start it, and parties who reach nothing but its URL."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.whole_platform import Platform


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A platform that all tests of the session share: each uses accounts and data of its own."""
    folder = Path(tempfile.mkdtemp(prefix="countermark-e2e-"))
    running = Platform(folder / "data")
    running.start()
    try:
        yield running
    finally:
        assert running.stop() == 0
        running.discard()
        shutil.rmtree(folder)
