"""A fourth organisation joins the channel of a market: configuration, peer, definition of the chaincode."""

from collections.abc import Sequence
from contextlib import closing

from countermark.network.blocks import Block, parse_block
from countermark.network.client import GatewayClient
from countermark.network.configuration import with_organisation
from countermark.network.genesis import PeerOrganisation
from countermark.network.lifecycle.deployment import install_on
from countermark.network.lifecycle.patience import patiently
from countermark.network.native import binaries
from countermark.network.ports import free_ports
from tests.support.fabric.backend import Native
from tests.support.fabric.changes import Channel
from tests.support.fabric.network import CHAINCODE, FabricNetwork, organisation_text
from tests.support.fabric.patience import settled, submit
from tests.support.fabric.story import Founded
from tests.support.market import PLATFORM, SUPERVISOR, TRADER, Actor, Market, actor

CHANNEL = "joining"
NAME, NEWCOMER = "fourth", "FourthMSP"
EARLY, LATE = actor("early", NEWCOMER), actor("late", NEWCOMER)
"""Whose accounts are opened through the newcomer's gateway, before and after its peer may endorse."""


def tell(network: FabricNetwork) -> list[Block]:
    """Found a market among three, have a fourth join and endorse, and return all blocks as its own peer has them."""
    network.deploy()
    clients = network.clients()
    market = Founded(Native(clients, f"{network.channel}/{CHAINCODE}", live=True))
    network.wait_ready()
    network.grow(organisation_text(NAME, NEWCOMER, "member", iter(free_ports(5))))
    peer = network.peer(NEWCOMER)
    newcomer = PeerOrganisation(network.folder.organisation(NAME).msp, (peer.peer.endpoint,))
    with closing(Channel(network)) as channel:
        channel.change(lambda config: with_organisation(config, newcomer), PLATFORM, TRADER)
    network.native.serve([network.use])
    peer.start(binaries.find())
    peer.wait_ready()
    peer.join(network.channel, network.folder.genesis.read_bytes())
    install_on([peer.access], network.use.package)
    with closing(GatewayClient(network.profile(NEWCOMER))) as own:
        peers = [own, *(clients[msp_id, "client"] for msp_id in (PLATFORM, SUPERVISOR, TRADER))]
        open_account(market, EARLY, peers, (PLATFORM, SUPERVISOR))
        network.deploy(sequence=2)
        open_account(market, LATE, peers, (NEWCOMER, SUPERVISOR))
        blocks = [parse_block(one.serialized) for one in own.blocks(0, stop=own.newest_block().number)]
    for client in clients.values():
        client.close()
    return blocks


def open_account(market: Market, who: Actor, peers: Sequence[GatewayClient], endorsers: Sequence[str]) -> None:
    """Have the first of `peers` open an account that exactly `endorsers` endorse; wait until all of them have it."""
    key = {"encryption_key": {"key": who.encryption.public, "version": 1}}
    args = [market.sign(who, "account.open", key), "{}"]
    endorsed = patiently(lambda: peers[0].endorse("account.open", args, endorsing_organisations=endorsers))
    submit(peers[0], endorsed)
    settled(peers, endorsed.tx_id).check()
