"""The gateway in one process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.platform.store.engine import Database
from tests.support.front import Front


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    front = Front(database, tmp_path)
    yield front
    front.close()
