"""One platform in containers for the tests of this folder that need an engine."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.docker.images import Images
from tests.support.docker.ledger import Ledger
from tests.support.docker.platform import Platform


@pytest.fixture(scope="session")
def mark() -> str:
    """Tells what this run makes from whatever else the engine has."""
    return secrets.token_hex(4)


@pytest.fixture(scope="session")
def images(mark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    images = Images(mark)
    images.build(tmp_path_factory.mktemp("wheels"))
    yield images
    images.remove()


@pytest.fixture(scope="session")
def ledger(images: Images, mark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path_factory.mktemp("ledger"), f"countermark-test-{mark}", images)
    with ExitStack() as stack:
        stack.callback(ledger.close)
        ledger.start()
        yield ledger


@pytest.fixture(scope="session")
def platform(
    images: Images, ledger: Ledger, mark: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Gateway and worker are healthy, and the market is founded."""
    platform = Platform(tmp_path_factory.mktemp("platform"), f"countermark-test-{mark}-platform", images, ledger)
    platform.prepare()
    with ExitStack() as stack:
        stack.callback(platform.down)
        platform.up()
        platform.found()
        for service in ("database", "gateway", "worker"):
            platform.container(service).wait_healthy()
        yield platform
