"""One market day, told once for all tests that look at what was left of it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.platform.store.postgres import EmbeddedPostgres
from tests.fixtures.postgres import fresh_database
from tests.secrets.erasing import finish
from tests.secrets.failing import fail
from tests.secrets.looking import look
from tests.secrets.story import Story
from tests.secrets.visiting import visit
from tests.support.https_server import HttpsServer
from tests.support.receiver import Inbox
from tests.support.whole_platform import Platform


@pytest.fixture(scope="session")
def story(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[Story]:
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
        finish(told)
        for database in fresh_database(postgres_server, migrated_template):
            url = database._url.render_as_string(hide_password=False)
            told.visit = tuple(visit(told, folder / "member", url))
        yield told
    finally:
        assert platform.stop() == 0
        receiver.stop()
        platform.discard()
        shutil.rmtree(folder)
