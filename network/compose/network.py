"""The network of a folder in containers: up, down, how it is. Every operation may be run again, and goes on.

What is done through the nodes' own interfaces, deploying above all, is the same as natively; how nodes and chaincode
servers come to run is not.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from countermark.network.compose import files
from countermark.network.compose.images import note_images
from countermark.network.compose.preflight import check_before_start
from countermark.network.compose.project import Project
from countermark.network.native import nodes
from countermark.network.native.preflight import check_generated, mark_nodes
from countermark.network.native.servers import InUse, server_name
from countermark.network.nodes.owner import Owner
from countermark.network.operations.network import Network


@dataclass(frozen=True, slots=True)
class ComposeNetwork(Network):
    """The network of one folder, run by a Docker engine."""

    @property
    def project(self) -> Project:
        """Its containers."""
        return Project(self.folder.path / "compose.yaml", self.topology.name)

    @property
    def owner(self) -> Owner:
        """The account of the containers: that to which their ledgers belong, whoever runs the next command."""
        for plan in self.topology.here:
            for node in plan.nodes:
                data = self.folder.node(node.name) / files.LEDGER
                if data.exists():
                    return Owner.of(data)
        return Owner.usual()

    def up(self) -> None:
        """Start the containers here and have them serve the channel, without chaincode yet.

        Raises:
            RunError: Something does not hold (`preflight`), or a container does not start.
            NetworkError: A node refuses, or a file is damaged.
        """
        uses = self.packages.in_use()
        check_before_start(self.folder, self.topology, self.project)
        mark_nodes(self.folder, self.topology)
        self._write(uses)
        files.make_data(self.folder, self.topology, self.owner)
        self.project.up(alone=True)
        self.project.wait_healthy(list(self._services(uses)))
        note_images(self.folder, uses)
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
        note_images(self.folder, uses)

    def retire(self, uses: list[InUse]) -> None:
        """End the chaincode servers of the packages `uses`, which are in use no more; they drain first.

        Raises:
            RunError: The engine does not answer.
        """
        if uses:
            self._write(self.packages.in_use())
            self.project.up(alone=True)

    def stop(self, names: Collection[str]) -> list[str]:
        """Stop those of the containers `names` that run, and return which these were.

        Raises:
            RunError: The engine does not answer.
        """
        running = [name for name in self.running() if name in names]
        if running:
            self.project.stop(running)
        return running

    def start(self, names: Collection[str]) -> None:
        """Start the containers `names`, as they were made but with the files as they are now; wait for their health.

        Raises:
            RunError: The engine does not answer, or one does not come up.
        """
        if names:
            self._write(self.packages.in_use())
            files.make_data(self.folder, self.topology, self.owner)
            # As they were made: the variables of `network up` may not be set here.
            self.project.up(names, anew=False)
            self.project.wait_healthy(names)

    def hand_over(self, path: Path) -> None:
        """Give `path`, with all below, to the account of the containers."""
        self.owner.take_all(path)

    def check_startable(self) -> None:
        """Return if what is stopped can be started again.

        Raises:
            RunError: The engine does not answer, or the description has changed since `generate`.
            TopologyError: The genesis block begins another channel.
        """
        check_generated(self.folder, self.topology)
        self.project.containers()

    def names(self) -> list[str]:
        """Return the names of all containers that are to run."""
        return list(self._services(self.packages.in_use()))

    def down(self) -> int:
        """Remove all containers of the folder and return how many ran; ledgers and keys stay."""
        running = self.running()
        self.project.down()
        return len(running)

    def running(self) -> list[str]:
        """Return the names of what runs."""
        return [one.service for one in self.project.containers() if one.running]

    def _write(self, uses: list[InUse]) -> None:
        files.write(self.folder, self.topology, uses, self.owner)

    def _services(self, uses: list[InUse]) -> Iterator[str]:
        for plan in self.topology.here:
            for node in plan.nodes:
                yield node.name
        for _, peer in self.topology.peers():
            for use in uses:
                yield server_name(peer, use)
