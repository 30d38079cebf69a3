"""The platform in one process."""

from pathlib import Path

import pytest

from countermark.platform.store.engine import Database
from tests.support.platform import World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)
