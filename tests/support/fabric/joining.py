"""A fourth organisation joins the channel of a market: configuration, peer, definition of the chaincode."""

from collections.abc import Sequence
from contextlib import closing

from countermark.network.blocks import Block, parse_block
from countermark.network.client import GatewayClient
from countermark.network.configuration import with_organisation
from countermark.network.genesis import PeerOrganisation
from tests.support.fabric.backend import Native
from tests.support.fabric.changes import Channel
from tests.support.fabric.lifecycle.join import join
from tests.support.fabric.network import CHAINCODE, FabricNetwork
from tests.support.fabric.patience import patiently, settled, submit
from tests.support.fabric.story import Founded
from tests.support.market import PLATFORM, SUPERVISOR, TRADER, Actor, Market, actor

CHANNEL = "joining"
NEWCOMER = "FourthMSP"
EARLY, LATE = actor("early", NEWCOMER), actor("late", NEWCOMER)
"""Whose accounts are opened through the newcomer's gateway, before and after its peer may endorse."""


def tell(network: FabricNetwork) -> list[Block]:
    """Found a market among three, have a fourth join and endorse, and return all blocks as its own peer has them."""
    network.create_channel(CHANNEL)
    network.deploy(CHANNEL)
    clients = network.clients(CHANNEL)
    market = Founded(Native(clients, f"{CHANNEL}/{CHAINCODE}", live=True))
    network.wait_ready(CHANNEL)
    with closing(Channel(network, CHANNEL)) as channel:
        node = network.newcomer("fourth")
        newcomer = PeerOrganisation(node.organisation.msp, (node.endpoint("peer"),))
        channel.change(lambda config: with_organisation(config, newcomer), PLATFORM, TRADER)
    join(node, network.genesis_blocks[CHANNEL])
    with closing(GatewayClient(network.profile(NEWCOMER, CHANNEL))) as own:
        peers = [own, *(clients[msp_id, "client"] for msp_id in (PLATFORM, SUPERVISOR, TRADER))]
        # Its client submits before its peer may endorse.
        open_account(market, EARLY, peers, (PLATFORM, SUPERVISOR))
        network.deploy(CHANNEL, sequence=2)
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
