"""Where attacks are played: the contracts on the ledger in memory, the platform, and the gateway with its clients."""

from pathlib import Path

import pytest

from countermark.platform.store.engine import Database
from tests.support.backends import InMemory
from tests.support.market import Market
from tests.support.platform import World
from tests.unit.client.conftest import front, sale

__all__ = ["front", "in_memory", "market", "sale", "world"]


@pytest.fixture
def in_memory() -> InMemory:
    return InMemory()


@pytest.fixture
def market(in_memory: InMemory) -> Market:
    return Market(in_memory)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)
