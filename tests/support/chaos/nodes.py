"""The processes of a real network and of the platform before it, by what they are to it: killed, stopped, revived."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path

import httpx

from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.native import nodes
from countermark.network.native.daemons import Daemon
from countermark.network.native.network import NativeNetwork
from countermark.network.native.servers import servers
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import profile
from countermark.network.topology import load
from tests.support.chaos.members import POSTGRES
from tests.support.command_line import countermark
from tests.support.fabric.network import kill
from tests.support.scraped import Scraped

IS_LEADER = "consensus_etcdraft_is_leader"


class Victim(StrEnum):
    """What may die. The two last are revived by `countermark up`, all others by `countermark network up`."""

    LEADER = "Raft leader"
    FOLLOWER = "Raft follower"
    GATEWAY_PEER = "gateway peer"
    ENDORSER = "endorsing peer"
    SECOND_ENDORSER = "second endorsing peer"
    OWN_CHAINCODE = "platform's chaincode"
    ENDORSERS_CHAINCODE = "supervisor's chaincode"
    GATEWAY = "gateway"
    DATABASE = POSTGRES

    @property
    def of_platform(self) -> bool:
        return self in (Victim.GATEWAY, Victim.DATABASE)


class Nodes:
    """The default network, in `folder`, run by the command line as an operator does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        countermark("network", "generate", "--dir", folder)
        made = NetworkFolder(folder)
        self.native = NativeNetwork(made, load(made.description), report=lambda _: None)

    def up(self) -> None:
        """Start what does not run, and return when a transaction is endorsed through every peer."""
        countermark("network", "up", "--dir", self.folder)

    def down(self) -> None:
        countermark("network", "down", "--dir", self.folder)

    def kill(self, victim: Victim) -> str:
        """End a node as a crash does, and return its name."""
        daemon = self.daemon(victim)
        kill(daemon)
        return daemon.name

    @contextmanager
    def hanging(self, victim: Victim) -> Iterator[None]:
        """For as long as the context lasts, a node does nothing; its connections stand."""
        pid = self.daemon(victim).pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def daemon(self, victim: Victim) -> Daemon:
        """Return the process that is `victim` now."""
        peers = {peer.name: peer.daemon for peer in nodes.peers(self.native.folder, self.native.topology)}
        match victim:
            case Victim.LEADER | Victim.FOLLOWER:
                return self._orderer(leads=victim is Victim.LEADER).daemon
            case Victim.GATEWAY_PEER:
                return peers["peer0.platform"]
            case Victim.ENDORSER:
                return peers["peer0.supervisor"]
            case Victim.SECOND_ENDORSER:
                return peers["peer1.supervisor"]
            case Victim.OWN_CHAINCODE:
                return self._chaincode("peer0.platform")
            case Victim.ENDORSERS_CHAINCODE:
                return self._chaincode("peer0.supervisor")
        raise ValueError(f"{victim} is no node of the network")

    def profiles(self) -> list[ConnectionProfile]:
        """Return how each peer is reached, by a member of its own organisation."""
        folder, topology = self.native.folder, self.native.topology
        return [profile(folder, topology, plan, peer) for plan, peer in topology.peers()]

    def check_replicas(self) -> None:
        """All peers have come to the same state: the hash that each keeps of its last block covers all before it."""
        number, found = 0, set()
        for one in self.profiles():
            with closing(GatewayClient(one)) as client:
                number = number or client.newest_block().number
                (block,) = client.blocks(number, stop=number)
                assert block.commit_hash
                found.add((block.header_hash, block.commit_hash))
        assert len(found) == 1

    def _orderer(self, *, leads: bool) -> nodes.OrdererNode:
        orderers = list(nodes.orderers(self.native.folder, self.native.topology))
        return next(one for one in orderers if self._leads(one) is leads)

    def _leads(self, orderer: nodes.OrdererNode) -> bool:
        text = httpx.get(f"http://{orderer.host}:{orderer.orderer.operations}/metrics", trust_env=False).text
        channel = frozenset({("channel", self.native.topology.channel)})
        return Scraped.of(text).samples[IS_LEADER, channel] == 1

    def _chaincode(self, peer: str) -> Daemon:
        folder, topology = self.native.folder, self.native.topology
        found = servers(folder, topology, self.native.packages.in_use())
        return next(one.daemon for one in found if one.peer.name == peer)
