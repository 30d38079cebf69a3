"""A consortium, its channel's configuration, and an organisation that wants to join."""

import pytest

from countermark.network.blocks import ChannelConfig
from countermark.network.genesis import Endpoint, PeerOrganisation
from countermark.network.identities import Organisation
from tests.support.reconfiguration import newcomer
from tests.unit.network.consortium import Network


@pytest.fixture(scope="module")
def config(network: Network) -> ChannelConfig:
    return network.config


@pytest.fixture(scope="session")
def fourth(tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return newcomer(tmp_path_factory.mktemp("fourth") / "newcomer")


@pytest.fixture
def joining(fourth: Organisation) -> PeerOrganisation:
    return PeerOrganisation(fourth.msp, (Endpoint("127.0.0.1", 9051),))
