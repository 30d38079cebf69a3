"""The backends that the contract suite runs on: one suite, every ledger."""

from collections.abc import Callable

import pytest

from tests.support.backends import Backend, InMemory
from tests.support.market import Market

BACKENDS: dict[str, Callable[[], Backend]] = {"memory": InMemory}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return BACKENDS[request.param]()


@pytest.fixture
def market(backend: Backend) -> Market:
    return Market(backend)
