"""A consortium with real X.509 material, made once."""

import pytest

from tests.unit.network.consortium import Network


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return Network.create(tmp_path_factory.mktemp("consortium"))
