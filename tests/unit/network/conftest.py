"""A consortium with real X.509 material, made once."""

from collections.abc import Iterator

import pytest

from countermark.network.client import GatewayClient
from tests.unit.network.consortium import Network
from tests.unit.network.gateway_on_loopback import TIMEOUTS, LoopbackPeer, contract


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return Network.create(tmp_path_factory.mktemp("consortium"))


@pytest.fixture
def peer(network: Network) -> Iterator[LoopbackPeer]:
    peer = LoopbackPeer(network, contract)
    yield peer
    peer.stop()


@pytest.fixture
def client(peer: LoopbackPeer) -> Iterator[GatewayClient]:
    client = GatewayClient(peer.profile(), timeouts=TIMEOUTS)
    yield client
    client.close()
