"""One market day, told once for all tests that look at what was left of it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.secrets.failing import fail
from tests.secrets.looking import look
from tests.secrets.story import Story
from tests.support.https_server import HttpsServer
from tests.support.receiver import Inbox
from tests.support.whole_platform import Platform


@pytest.fixture(scope="session")
def story() -> Iterator[Story]:
    folder = Path(tempfile.mkdtemp(prefix="countermark-secrets-"))
    inbox = Inbox()
    receiver = HttpsServer(inbox, folder)
    platform = Platform(
        folder / "data",
        # The worker takes the receiver's certificate for one of the public internet's.
        environment={"SSL_CERT_FILE": str(receiver.ca_file)},
        options=("--webhooks-allow", "127.0.0.0/8"),
    )
    platform.start()
    try:
        (folder / "parties").mkdir()
        told = Story(platform, folder / "parties", inbox, receiver.url).tell()
        look(told)
        fail(told)
        yield told
    finally:
        assert platform.stop() == 0
        receiver.stop()
        platform.discard()
        shutil.rmtree(folder)
