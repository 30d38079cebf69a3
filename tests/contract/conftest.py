"""The backends that the contract suite runs on: one suite, every ledger.

In memory runs everything. On the embedded peer run the tests marked `every_ledger`, or all of them with
COUNTERMARK_CONTRACT_LEDGER=embedded; only what looks behind the contracts asks for `in_memory`.
"""

import os
from collections.abc import Iterator
from typing import cast

import pytest

from tests.support.backends import Backend, InMemory
from tests.support.embedded_backend import Channels
from tests.support.market import Market

MEMORY, EMBEDDED = "memory", "embedded"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" not in metafunc.fixturenames:
        return
    marked = metafunc.definition.get_closest_marker("every_ledger") is not None
    everywhere = marked or os.environ.get("COUNTERMARK_CONTRACT_LEDGER") == EMBEDDED
    metafunc.parametrize("backend", [MEMORY, EMBEDDED] if everywhere else [MEMORY], indirect=True)


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channels]:
    """The embedded network; started by the first test that needs it."""
    shared = Channels(tmp_path_factory.mktemp("embedded"))
    yield shared
    shared.close()


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == MEMORY:
        return InMemory()
    return cast(Channels, request.getfixturevalue("channels")).fresh()


@pytest.fixture
def in_memory() -> InMemory:
    return InMemory()


@pytest.fixture
def market(backend: Backend) -> Market:
    return Market(backend)
