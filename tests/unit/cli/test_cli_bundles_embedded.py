"""A bundle of an embedded peer's own ledger, from the command line to the verdict."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.network.client import GatewayClient
from countermark.network.embedded.material import ORGANISATIONS
from tests.support.boards import KeptBoard
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
@pytest.mark.requirement("R67")
@pytest.mark.timeout(120)
def test_a_trade_on_an_embedded_peer_is_exported_and_judged(
    run: Run, network: EmbeddedNetwork, tmp_path: Path
) -> None:
    clients = {(msp, "client"): GatewayClient(network.profile(name)) for name, msp in ORGANISATIONS}
    try:
        market = Market(OverGateways(clients, live=True))
        board, trade = KeptBoard(market), market.bring_to("FUNDED")
        notice = board.notice(trade)
        sent = board.take(notice)
        market.act("trade.send", trade, notice=notice.digest)
        board.anchor()
        for function in ("trade.relay", "trade.ack", "trade.check", "trade.confirm"):
            market.act(function, trade)
        market.mint(market.stranger, 7)
    finally:
        for client in clients.values():
            client.close()
    proof = tmp_path / "proof"
    proof.write_bytes(board.proven(sent).to_bytes())
    connection = network.directory / "connection" / "supervisor.json"
    genesis, bundle, roots = network.material.layout.genesis_file, tmp_path / "bundle", tmp_path / "roots"
    written = run(
        *("audit", "export", "--trade", trade, "-o", bundle, "--connection", connection, "--genesis", genesis)
    )
    assert written.status == 0, written
    assert run("audit", "roots", "--genesis", genesis, "-o", roots).status == 0
    told = run("audit", "board", proof, "--connection", connection, "--genesis", genesis, "--json")
    assert told.status == 0, told
    network.close()
    # What a party kept is judged by the bundle as by the peer itself, and the trade's act names its notice.
    judged = run("audit", "board", proof, "--bundle", bundle, "--roots", roots, "--json")
    assert judged.status == 0, judged
    assert judged.json["proofs"] == told.json["proofs"]
    (one,) = judged.json["proofs"]
    assert (one["verdict"], one["act"], one["by"]) == ("proven", "sent", market.seller.address)
    assert (one["named_by"]["function"], one["named_by"]["signer"]) == ("trade.send", market.seller.address)
    assert one["anchor"]["block"] == one["named_by"]["block"] + 1
    told = run("audit", "verify", bundle, "--roots", roots, "--json")
    assert told.status == 0, told
    document = json.loads(told.out)
    assert (document["verdict"], document["state"], document["outcome"]) == ("good", "SETTLED", "confirmed")
    # The mint came after the trade's end, to which the bundle goes.
    assert int(document["money"]["minted"]) == market.minted - 7
