"""A network for containers, as `generate` makes it: three organisations, four peers, three orderers."""

import shutil
from pathlib import Path

import pytest

from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.topology import Consensus, Mode, Topology, load
from countermark.network.topology.default import default_text, port_count

NOW_MS = 1_790_000_000_000


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compose") / "countermark-network"
    path.mkdir()
    ports = range(20_000, 20_000 + port_count(Consensus.RAFT))
    (path / "network.yaml").write_text(default_text(Mode.COMPOSE, Consensus.RAFT, list(ports)))
    generate(NetworkFolder(path), load(path / "network.yaml"), now_ms=NOW_MS, found=True)
    return path


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> NetworkFolder:
    """A copy for one test."""
    return NetworkFolder(Path(shutil.copytree(made, tmp_path / "countermark-network")))


@pytest.fixture
def topology(folder: NetworkFolder) -> Topology:
    return load(folder.description)
