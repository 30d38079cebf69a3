"""Peers and orderers of a folder as background processes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from countermark.network.lifecycle import join, participation
from countermark.network.lifecycle.endorser import PeerAccess
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.participation import OrdererAccess
from countermark.network.native.binaries import Binaries
from countermark.network.native.daemons import Daemon
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.material import ADMIN, local_name
from countermark.network.nodes.peer_settings import chaincode_environment
from countermark.network.nodes.places import native
from countermark.network.topology import Orderer, OrganisationPlan, Peer, Topology

READY_S = 60.0
_SETTINGS = ("CORE_", "ORDERER_", "FABRIC_")


def environment() -> dict[str, str]:
    """Return this process's environment without what would overrule a node's settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return {**inherited, "FABRIC_LOGGING_FORMAT": "json", "FABRIC_LOGGING_SPEC": "info:grpc=error:comm.grpc=error"}


@dataclass(frozen=True, slots=True)
class PeerNode:
    """A peer of this folder."""

    folder: NetworkFolder
    plan: OrganisationPlan
    peer: Peer
    host: str
    """How it is reached from this machine."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.peer.name

    @property
    def daemon(self) -> Daemon:
        """Its process."""
        return Daemon(self.name, self.folder.run, self.folder.logs)

    @property
    def access(self) -> PeerAccess:
        """How its administrator reaches it.

        Raises:
            IdentityError: Key material is missing.
        """
        organisation = self.folder.organisation(self.plan.name)
        tls_ca = organisation.tls_ca_file.read_bytes()
        return PeerAccess(f"{self.host}:{self.peer.port}", "", tls_ca, organisation.identity(ADMIN))

    def start(self, binaries: Binaries) -> None:
        """Start it unless it runs.

        Raises:
            RunError: It cannot be run.
        """
        here = self.folder.node(self.name)
        places = native(self.folder, self.plan.name, self.name, self.peer.host)
        own = {
            "FABRIC_CFG_PATH": str(here.absolute()),
            **chaincode_environment(self.peer, places, host=self.host),
        }
        self.daemon.start([binaries.peer, "node", "start"], environment() | own)

    def wait_ready(self) -> None:
        """Return when it answers its administrator.

        Raises:
            RunError: It ended, or not in time.
        """
        self.daemon.wait(self._answers, READY_S)

    def join(self, channel: str, block: bytes) -> None:
        """Have it follow the channel that begins with `block`, unless it does.

        Raises:
            LifecycleError: It refused.
        """
        if channel not in join.channels(self.access):
            join.join(self.access, block)

    def _answers(self) -> bool:
        try:
            join.channels(self.access, timeout_s=1.0)
        except LifecycleError as error:
            if error.code == "unreachable":
                return False
            raise
        return True


@dataclass(frozen=True, slots=True)
class OrdererNode:
    """An orderer of this folder."""

    folder: NetworkFolder
    plan: OrganisationPlan
    orderer: Orderer
    host: str
    """How it is reached from this machine."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.orderer.name

    @property
    def daemon(self) -> Daemon:
        """Its process."""
        return Daemon(self.name, self.folder.run, self.folder.logs)

    @property
    def access(self) -> OrdererAccess:
        """How its administrator reaches it."""
        organisation = self.folder.organisation_path(self.plan.name)
        tls = organisation / "tls" / local_name(self.name)
        address = f"{self.host}:{self.orderer.admin}"
        return OrdererAccess(address, "", organisation / "tlsca" / "cert.pem", tls / "cert.pem", tls / "key.pem")

    def start(self, binaries: Binaries) -> None:
        """Start it unless it runs.

        Raises:
            RunError: It cannot be run.
        """
        here: Path = self.folder.node(self.name)
        self.daemon.start([binaries.orderer], environment() | {"FABRIC_CFG_PATH": str(here.absolute())})

    def wait_ready(self, channel: str) -> None:
        """Return when it answers its administrator.

        Raises:
            RunError: It ended, or not in time.
        """
        self.daemon.wait(lambda: self._answers(channel), READY_S)

    def join(self, channel: str, block: bytes) -> None:
        """Have it serve the channel that begins with `block`, unless it does.

        Raises:
            LifecycleError: It refused.
        """
        if participation.participation(self.access, channel) is None:
            participation.join(self.access, block)

    def _answers(self, channel: str) -> bool:
        try:
            participation.participation(self.access, channel)
        except LifecycleError as error:
            if error.code == "unreachable":
                return False
            raise
        return True


def peers(folder: NetworkFolder, topology: Topology) -> Iterator[PeerNode]:
    """Yield the peers of this folder."""
    for plan, peer in topology.peers():
        yield PeerNode(folder, plan, peer, topology.reached(peer.host))


def orderers(folder: NetworkFolder, topology: Topology) -> Iterator[OrdererNode]:
    """Yield the orderers of this folder."""
    for plan, orderer in topology.orderers():
        yield OrdererNode(folder, plan, orderer, topology.reached(orderer.host))
