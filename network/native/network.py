"""The network of a folder, run by processes of this machine."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from countermark.network.native import binaries, nodes
from countermark.network.native.daemons import Daemon, known_daemons
from countermark.network.native.preflight import check_before_start, check_generated, mark_nodes
from countermark.network.native.servers import InUse, servers
from countermark.network.operations.network import Network


@dataclass(frozen=True, slots=True)
class NativeNetwork(Network):
    """The network of one folder, natively."""

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
