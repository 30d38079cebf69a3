"""The platform in one process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.platform.store.engine import Database
from countermark.platform.store.postgres import EmbeddedPostgres
from tests.fixtures.postgres import fresh_database
from tests.support.platform import World


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)


@pytest.fixture(scope="module")
def shared_world(
    postgres_server: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One world for all tests of a module that change nothing in it."""
    for database in fresh_database(postgres_server, migrated_template):
        yield World(database, tmp_path_factory.mktemp("world"))
