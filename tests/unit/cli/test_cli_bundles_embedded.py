"""A bundle of an embedded peer's own ledger, from the command line to the verdict."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.network.client import GatewayClient
from countermark.network.embedded.material import ORGANISATIONS
from tests.support.embedded import EmbeddedNetwork
from tests.support.embedded_backend import SERVER
from tests.support.gateway_backend import OverGateways
from tests.support.market import Market
from tests.unit.cli.conftest import Run


@pytest.fixture
def network(tmp_path: Path) -> Iterator[EmbeddedNetwork]:
    network = EmbeddedNetwork(tmp_path / "network", script=SERVER)
    try:
        yield network.start()
    finally:
        network.close()


@pytest.mark.requirement("R17")
@pytest.mark.timeout(120)
def test_a_trade_on_an_embedded_peer_is_exported_and_judged(
    run: Run, network: EmbeddedNetwork, tmp_path: Path
) -> None:
    clients = {(msp, "client"): GatewayClient(network.profile(name)) for name, msp in ORGANISATIONS}
    try:
        market = Market(OverGateways(clients, live=True))
        trade = market.bring_to("MATCHED")
        market.act("trade.confirm", trade)
        market.mint(market.stranger, 7)
    finally:
        for client in clients.values():
            client.close()
    connection = network.directory / "connection" / "supervisor.json"
    genesis, bundle, roots = network.material.layout.genesis_file, tmp_path / "bundle", tmp_path / "roots"
    written = run(
        *("audit", "export", "--trade", trade, "-o", bundle, "--connection", connection, "--genesis", genesis)
    )
    assert written.status == 0, written
    assert run("audit", "roots", "--genesis", genesis, "-o", roots).status == 0
    network.close()
    told = run("audit", "verify", bundle, "--roots", roots, "--json")
    assert told.status == 0, told
    document = json.loads(told.out)
    assert (document["verdict"], document["state"], document["outcome"]) == ("good", "SETTLED", "confirmed")
    # The mint came after the trade's end, to which the bundle goes.
    assert int(document["money"]["minted"]) == market.minted - 7
