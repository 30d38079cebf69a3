"""The network of a folder, natively: up, down, how it is. Every operation may be run again, and goes on.

Ready is not "the ports are open": just after their start, peers have not heard of one another yet, and no gateway
finds endorsers. Ready is when an endorsement comes through the gateway of every peer here.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from countermark.network.client import DeliverError, EndorseError, GatewayClient
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.patience import patiently, while_it_moves
from countermark.network.native import binaries, nodes
from countermark.network.native.daemons import Daemon, known_daemons
from countermark.network.native.ordering import FORBIDDEN, newest_block, orderer_clients
from countermark.network.native.preflight import check_before_start, check_generated, mark_nodes
from countermark.network.native.servers import InUse, Packages, servers
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import administrator, profile
from countermark.network.topology import Topology

PROBE = "market.show"
"""Function that anyone may call; its refusal before the market is founded comes from the contracts all the same."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class NativeNetwork:
    """The network of one folder, run by processes of this machine."""

    folder: NetworkFolder
    topology: Topology
    report: Report
    fabric_bin: Path | None = None
    """Folder with Fabric's programs, if they are not those on PATH."""

    def up(self) -> None:
        """Start the nodes here and have them serve the channel, without chaincode yet.

        Raises:
            RunError: Something does not hold (`preflight`), a program is missing, or a process does not start.
            NetworkError: A node refuses, or a file is damaged.
        """
        uses = self.packages.in_use()
        check_before_start(self.folder, self.topology)
        programs = self._programs()
        mark_nodes(self.folder, self.topology)
        orderers = list(nodes.orderers(self.folder, self.topology))
        peers = list(nodes.peers(self.folder, self.topology))
        for orderer in orderers:
            orderer.start(programs)
        for peer in peers:
            peer.start(programs)
        self.serve(uses)
        genesis = self.folder.genesis.read_bytes()
        channel = self.topology.channel
        for orderer in orderers:
            orderer.wait_ready(channel)
            orderer.join(channel, genesis)
        if orderers:
            self.report(f"{len(orderers)} orderers serve the channel {channel}")
        for peer in peers:
            peer.wait_ready()
            peer.join(channel, genesis)
        self.wait_caught_up(peers)
        self.report(f"{len(peers)} peers follow the channel {channel}")

    def wait_caught_up(self, peers: Sequence[nodes.PeerNode]) -> None:
        """Return when `peers` have the blocks that the orderers had: before that, they know of no contracts.

        Raises:
            RunError: The orderers do not know the organisation of one.
            LedgerError: No orderer answers, or a peer has not caught up in time.
        """
        for plan in self.topology.here:
            own = [peer for peer in peers if peer.plan is plan]
            with orderer_clients(self.folder, self.topology, plan) as orderers:
                newest = patiently(partial(newest_block, orderers)).number if own else 0
            for peer in own:
                client = GatewayClient(profile(self.folder, self.topology, plan, peer.peer))
                try:
                    while_it_moves(partial(_check_height, client, newest), partial(_height, client))
                finally:
                    client.close()

    def serve(self, uses: list[InUse]) -> None:
        """Start the chaincode servers of the packages `uses`, and return when they listen.

        Raises:
            RunError: One does not start.
        """
        started = list(servers(self.folder, self.topology, uses))
        for server in started:
            server.start(nodes.environment())
        for server in started:
            server.wait_ready()

    def retire(self, uses: list[InUse]) -> None:
        """End the chaincode servers of the packages `uses`, which are in use no more; they drain first."""
        for server in servers(self.folder, self.topology, uses):
            server.daemon.stop()

    def wait_ready(self, chaincode: str = "") -> None:
        """Return when an endorsement comes through the gateway of every peer here; of another market if it is named.

        Raises:
            LedgerError: Not in time; says what the gateway says.
        """
        for plan, peer in self.topology.peers():
            gateway = profile(self.folder, self.topology, plan, peer)
            client = GatewayClient(replace(gateway, chaincode=chaincode or gateway.chaincode))
            try:
                patiently(partial(reach_contracts, client))
            finally:
                client.close()

    @property
    def packages(self) -> Packages:
        """The chaincode packages of the folder."""
        return Packages(self.folder)

    @contextmanager
    def administrators(self) -> Iterator[list[GatewayClient]]:
        """Give a client for `_lifecycle` of the administrator of each organisation here that has peers.

        Raises:
            LifecycleError: There is none.
        """
        with ExitStack() as stack:
            clients = []
            for plan in self.topology.here:
                if plan.peers:
                    gateway = profile(self.folder, self.topology, plan, plan.peers[0])
                    client = GatewayClient(administrator(gateway, self.folder, plan))
                    stack.callback(client.close)
                    clients.append(client)
            if not clients:
                raise LifecycleError("no_peer", "no organisation here has a peer")
            yield clients

    def stop(self, names: Collection[str]) -> list[str]:
        """End those of the nodes and chaincode servers `names` that run, and return which these were."""
        running = [one for one in self.daemons() if one.name in names and one.pid is not None]
        for one in running:
            one.stop()
        return [one.name for one in running]

    def start(self, names: Collection[str]) -> None:
        """Start the nodes and chaincode servers `names`, and return when each of them answers.

        Raises:
            RunError: A program is missing, or one does not come up.
        """
        programs = self._programs()
        for orderer in nodes.orderers(self.folder, self.topology):
            if orderer.name in names:
                orderer.start(programs)
                orderer.wait_ready(self.topology.channel)
        for server in servers(self.folder, self.topology, self.packages.in_use()):
            if server.daemon.name in names:
                server.start(nodes.environment())
                server.wait_ready()
        for peer in nodes.peers(self.folder, self.topology):
            if peer.name in names:
                peer.start(programs)
                peer.wait_ready()

    def hand_over(self, path: Path) -> None:
        """Give `path`, with all below, to the account that nodes run as: natively our own."""

    def check_startable(self) -> None:
        """Return if what is stopped can be started again.

        Raises:
            RunError: A program is missing, or too old; or the description has changed since `generate`.
            TopologyError: The genesis block begins another channel.
        """
        check_generated(self.folder, self.topology)
        self._programs()

    def _programs(self) -> binaries.Binaries:
        return binaries.find(self.fabric_bin)

    def down(self) -> int:
        """End all processes that were started from the folder, whatever it describes now; return how many ran."""
        running = self._running()
        for one in running:
            one.ask_to_end()
        for one in running:
            one.stop()
        return len(running)

    def running(self) -> list[str]:
        """Return the names of what runs."""
        return [one.name for one in self._running()]

    def _running(self) -> list[Daemon]:
        return [one for one in known_daemons(self.folder.run, self.folder.logs) if one.pid is not None]

    def names(self) -> list[str]:
        """Return the names of all that is to run: orderers, peers, chaincode servers."""
        return [one.name for one in self.daemons()]

    def daemons(self) -> Iterator[Daemon]:
        """Yield the processes of the folder: orderers, peers, chaincode servers."""
        for orderer in nodes.orderers(self.folder, self.topology):
            yield orderer.daemon
        for peer in nodes.peers(self.folder, self.topology):
            yield peer.daemon
        for server in servers(self.folder, self.topology, self.packages.in_use()):
            yield server.daemon


def _height(client: GatewayClient) -> int:
    try:
        return client.newest_block().number
    except DeliverError as error:
        if FORBIDDEN not in error.detail:
            raise
        # To the peer of an organisation that joined later, its own clients are strangers until it has that block.
        raise LifecycleError("not_yet", f"{client.profile.gateway} does not know its organisation yet") from error


def _check_height(client: GatewayClient, newest: int) -> None:
    height = _height(client)
    if height < newest:
        raise LifecycleError("not_yet", f"{client.profile.gateway} has block {height} of {newest}")


def reach_contracts(client: GatewayClient) -> None:
    """Return if an endorsement of the contracts comes through the gateway of `client`.

    Raises:
        LedgerError: It does not.
    """
    try:
        client.endorse(PROBE)
    except EndorseError as error:
        if error.market_error is None:
            raise
