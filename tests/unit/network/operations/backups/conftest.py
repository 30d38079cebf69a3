"""A network's folder with keys and settings, peers that look as if they had run, and a backup of one of them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from countermark.network.native.network import NativeNetwork
from countermark.network.native.nodes import PeerNode
from countermark.network.native.preflight import mark_nodes
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.operations.backups.drafts import drafted
from countermark.network.operations.backups.files import copy_tree
from countermark.network.operations.backups.manifest import File, Manifest, Peer, load, network_of
from countermark.network.operations.backups.peers import named
from countermark.network.topology import parse_topology
from tests.support.clock import now_ms
from tests.support.fabric.network import small_description

PEER = "peer0.platform"
LEDGER = {
    "ledgersData/chains/chains/market/blockfile_000000": b"blocks" * 1000,
    "ledgersData/stateLeveldb/000001.log": b"",
    "transientstore/CURRENT": b"MANIFEST-000000\n",
}


def fill(data: Path) -> None:
    """Write what stands for a ledger into the folder `data`."""
    for name, content in LEDGER.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)


def contents(data: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def made(directory: Path) -> NativeNetwork:
    """A folder as `network generate` leaves it."""
    folder = NetworkFolder(directory)
    topology = parse_topology(small_description("market").encode(), directory)
    generate(folder, topology, now_ms=now_ms(), found=True)
    mark_nodes(folder, topology)
    return NativeNetwork(folder, topology, report=lambda _: None)


@pytest.fixture(scope="session")
def other_network(tmp_path_factory: pytest.TempPathFactory) -> NativeNetwork:
    return made(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> NativeNetwork:
    network = made(tmp_path_factory.mktemp("made"))
    fill(network.folder.node(PEER) / "data")
    return network


@pytest.fixture
def network(made_once: NativeNetwork, tmp_path: Path) -> NativeNetwork:
    shutil.copytree(made_once.folder.path, tmp_path / "network")
    return replace(made_once, folder=NetworkFolder(tmp_path / "network"))


@pytest.fixture
def node(network: NativeNetwork) -> PeerNode:
    (node,) = named(network, (PEER,))
    return node


@pytest.fixture
def backup(network: NativeNetwork, tmp_path: Path) -> Path:
    """A backup of that peer, as `take` makes it of one that runs."""
    peer = Peer(PEER, "PlatformMSP", 12)
    with drafted(tmp_path / "backup") as draft:
        copied = copy_tree(network.folder.node(PEER) / "data", draft.path / peer.folder)
        draft.add_peer(peer, [File(f"{peer.folder}/{one.path}", one.size, one.sha256) for one in copied])
        draft.finish(network_of(network.folder.genesis))
    return tmp_path / "backup"


@pytest.fixture
def manifest(backup: Path) -> Manifest:
    return load(backup)
