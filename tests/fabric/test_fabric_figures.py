"""Fabric's nodes show the figures that alerts look at, by channel, where Prometheus asks for them."""

import httpx
import pytest

from tests.support.alerts import OF_ORDERERS, OF_PEERS
from tests.support.fabric.network import FabricNetwork
from tests.support.fabric.story import CHANNEL, Story
from tests.support.scraped import Scraped

pytestmark = pytest.mark.fabric

FIRST_AT_A_CHANGE = {"consensus_etcdraft_leader_changes"}
"""Not there before an orderer has followed two leaders."""


def channel_figures(host: str, port: int) -> dict[str, float]:
    found = Scraped.of(httpx.get(f"http://{host}:{port}/metrics").text)
    return {name: value for (name, labels), value in found.samples.items() if ("channel", CHANNEL) in labels}


def test_peers_and_orderers_show_what_alerts_look_at(network: FabricNetwork, story: Story) -> None:
    peers = [channel_figures(peer.host, peer.operations) for _, peer in network.topology.peers()]
    orderers = [
        channel_figures(orderer.host, orderer.operations)
        for organisation in network.topology.organisations
        for orderer in organisation.orderers
    ]
    assert peers
    assert [OF_PEERS - figures.keys() for figures in peers] == [set()] * len(peers)
    assert [OF_ORDERERS - figures.keys() - FIRST_AT_A_CHANGE for figures in orderers] == [set()] * len(orderers)
    assert max(figures["ledger_blockchain_height"] for figures in peers) > 1
    assert sum(figures["consensus_etcdraft_is_leader"] for figures in orderers) == 1
