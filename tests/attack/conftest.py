"""The market on the ledger in memory, on which most attacks are played."""

import pytest

from tests.support.backends import InMemory
from tests.support.market import Market


@pytest.fixture
def in_memory() -> InMemory:
    return InMemory()


@pytest.fixture
def market(in_memory: InMemory) -> Market:
    return Market(in_memory)
