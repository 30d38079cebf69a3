"""TLS material for peers on loopback."""

import pytest

from tests.unit.chaincode.peer_on_loopback import TestTls, make_tls


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TestTls:
    return make_tls(tmp_path_factory.mktemp("tls"))
