"""A ledger with the embedded peer's rules; its key material is made once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.network.embedded.material import generate
from tests.support.embedded_ledger import World


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("material")).layout.directory


@pytest.fixture
def world(material: Path, tmp_path: Path) -> Iterator[World]:
    world = World(shutil.copytree(material, tmp_path / "peer"))
    yield world
    world.ledger.close()
