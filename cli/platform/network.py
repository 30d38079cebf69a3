"""What the platform must know of the network beside it: from its folder, or as it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from countermark.cli.network.options import network_folder
from countermark.cli.platform.configuration import Group
from countermark.cli.up.founding import Parties
from countermark.network.client import ConnectionProfile
from countermark.network.compose.document import ledger_name
from countermark.network.genesis import Endpoint
from countermark.network.nodes.generation import profile
from countermark.network.topology import Mode, OrganisationPlan, Part, Topology, load

if TYPE_CHECKING:
    from countermark.network.nodes.folder import NetworkFolder


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A network whose folder is here."""

    folder: "NetworkFolder"
    topology: Topology

    @property
    def ledger(self) -> str:
        """Name of the engine's network in which its nodes are."""
        return ledger_name(self.topology)

    @property
    def inside(self) -> list[ConnectionProfile]:
        """How containers reach the peers that the platform may ask: its own first, then the supervisor's if here."""
        supervisor = self.topology.part(Part.SUPERVISOR)
        plans = [self._platform, *([supervisor] if supervisor.here else [])]
        return [
            replace(profile(self.folder, self.topology, plan, peer), gateway=str(peer.endpoint))
            for plan in plans
            for peer in plan.peers
        ]

    @property
    def targets(self) -> dict[str, list[Group]]:
        """Where peers and orderers of all organisations here show their figures, by kind, with their organisation."""
        peers = [_group(plan, str(Endpoint(one.host, one.operations))) for plan, one in self.topology.peers()]
        orderers = [_group(plan, str(Endpoint(one.host, one.operations))) for plan, one in self.topology.orderers()]
        return {"peers": peers, "orderers": orderers}

    @property
    def outside(self) -> ConnectionProfile:
        """How this machine reaches the platform's first peer."""
        return profile(self.folder, self.topology, self._platform, self._platform.peers[0])

    @property
    def parties(self) -> Parties:
        """Who the organisations are to the market."""
        return Parties.of(self.topology)

    @property
    def _platform(self) -> OrganisationPlan:
        return self.topology.part(Part.PLATFORM)


def _group(plan: OrganisationPlan, address: str) -> Group:
    return {"targets": [address], "labels": {"organisation": plan.msp_id}}


def neighbour(directory: Path) -> Neighbour:
    """Return the network whose folder is `directory`.

    Raises:
        click.UsageError: there is none, it does not run in containers, or the platform's keys are not in it.
        TopologyError: its description is malformed.
    """
    folder = network_folder(directory)
    if not folder.description.exists():
        raise click.UsageError(f"{folder.description} is missing: --dir names a network's folder, else --connection")
    topology = load(folder.description)
    if topology.mode is not Mode.COMPOSE:
        raise click.UsageError(f"{folder.description}: containers do not reach a network of mode {topology.mode}")
    if not topology.part(Part.PLATFORM).here:
        raise click.UsageError(f"{folder.description}: the platform keeps its keys elsewhere")
    return Neighbour(folder, topology)


def connections(files: Sequence[Path]) -> list[ConnectionProfile]:
    """Return the connection files ``files``.

    Raises:
        ProfileError: one is malformed.
    """
    return [ConnectionProfile.load(one.absolute()) for one in files]
