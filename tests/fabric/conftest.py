"""One native network for the tests of this folder, as a market would run it: 5 s of time window, 200 ms a block."""

from collections.abc import Iterator

import pytest

from tests.support.fabric.backend import Native
from tests.support.fabric.network import CHAINCODE, FabricNetwork, fabric_network
from tests.support.fabric.story import CHANNEL, Story, tell


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FabricNetwork]:
    """Nodes and chaincode servers run, and the market's contracts are on the channel."""
    with fabric_network(tmp_path_factory.mktemp("market"), CHANNEL) as network:
        network.deploy()
        yield network


@pytest.fixture(scope="session")
def story(network: FabricNetwork) -> Iterator[Story]:
    """A market on that network, on which one contract was sold."""
    clients = network.clients()
    yield tell(Native(clients, f"{CHANNEL}/{CHAINCODE}", live=True), lambda: network.wait_ready())
    for client in clients.values():
        client.close()
