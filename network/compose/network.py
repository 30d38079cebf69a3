"""The network of a folder in containers: up, down, how it is. Every operation may be run again, and goes on.

What is done through the nodes' own interfaces, deploying above all, is the same as natively; how nodes and chaincode
servers come to run is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from countermark.network.compose import files
from countermark.network.compose.document import server_name
from countermark.network.compose.preflight import check_before_start
from countermark.network.compose.project import Project
from countermark.network.native import nodes
from countermark.network.native.binaries import Binaries
from countermark.network.native.network import NativeNetwork
from countermark.network.native.preflight import mark_nodes
from countermark.network.native.servers import InUse
from countermark.network.nodes.owner import Owner


@dataclass(frozen=True, slots=True)
class ComposeNetwork(NativeNetwork):
    """The network of one folder, run by a Docker engine."""

    @property
    def project(self) -> Project:
        """Its containers."""
        return Project(self.folder.path / "compose.yaml", self.topology.name)

    def up(self, binaries: Binaries | None = None) -> None:
        """Start the containers here and have them serve the channel, without chaincode yet.

        Raises:
            RunError: Something does not hold (`preflight`), or a container does not start.
            NetworkError: A node refuses, or a file is damaged.
        """
        uses = self.packages.in_use()
        check_before_start(self.folder, self.topology, self.project)
        mark_nodes(self.folder, self.topology)
        self._write(uses)
        files.make_data(self.folder, self.topology, Owner.usual())
        self.project.up(alone=True)
        self.project.wait_healthy(list(self._services(uses)))
        genesis, channel = self.folder.genesis.read_bytes(), self.topology.channel
        orderers = list(nodes.orderers(self.folder, self.topology))
        for orderer in orderers:
            orderer.join(channel, genesis)
        if orderers:
            self.report(f"{len(orderers)} orderers serve the channel {channel}")
        peers = list(nodes.peers(self.folder, self.topology))
        for peer in peers:
            peer.join(channel, genesis)
        self.wait_caught_up(peers)
        self.report(f"{len(peers)} peers follow the channel {channel}")

    def serve(self, uses: list[InUse]) -> None:
        """Start the chaincode servers of the packages `uses` and return when they serve; nodes run on.

        Raises:
            RunError: One does not start.
        """
        self._write(uses)
        self.project.up(alone=True)
        self.project.wait_healthy([server_name(peer, use) for _, peer in self.topology.peers() for use in uses])

    def retire(self, uses: list[InUse]) -> None:
        """End the chaincode servers of the packages `uses`, which are in use no more; they drain first.

        Raises:
            RunError: The engine does not answer.
        """
        if uses:
            self._write(self.packages.in_use())
            self.project.up(alone=True)

    def down(self) -> int:
        """Remove all containers of the folder and return how many ran; ledgers and keys stay."""
        running = self.running()
        self.project.down()
        return len(running)

    def running(self) -> list[str]:
        """Return the names of what runs."""
        return [one.service for one in self.project.containers() if one.running]

    def _write(self, uses: list[InUse]) -> None:
        files.write(self.folder, self.topology, uses, Owner.usual())

    def _services(self, uses: list[InUse]) -> Iterator[str]:
        for plan in self.topology.here:
            for node in plan.nodes:
                yield node.name
        for _, peer in self.topology.peers():
            for use in uses:
                yield server_name(peer, use)
