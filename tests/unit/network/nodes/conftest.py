"""The folder of a network, generated once, and copies of it for tests that change something."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.topology import Topology, load
from tests.support.clock import now_ms
from tests.unit.network.topology.descriptions import default


def generated(folder: NetworkFolder) -> Topology:
    topology = load(folder.description)
    generate(folder, topology, now_ms=now_ms(), found=True)
    return topology


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> NetworkFolder:
    """Of the default network, not to be changed."""
    folder = NetworkFolder(tmp_path_factory.mktemp("network"))
    folder.description.write_text(default())
    generated(folder)
    return folder


@pytest.fixture
def folder(made: NetworkFolder, tmp_path: Path) -> NetworkFolder:
    """A copy whose settings name its own place."""
    copy = NetworkFolder(tmp_path / "network")
    shutil.copytree(made.path, copy.path)
    generated(copy)
    return copy


@pytest.fixture
def describe(folder: NetworkFolder) -> Callable[[str, str], Topology]:
    """Change the description of `folder`, and return what it says then."""

    def change(old: str, new: str) -> Topology:
        text = folder.description.read_text()
        assert old in text
        folder.description.write_text(text.replace(old, new, 1))
        return load(folder.description)

    return change
