"""Certificates of a folder: how long they hold, and new ones for the same keys, one node at a time.

With the same key nothing else changes: orderers know each other by their keys, and what was endorsed or signed before
stays as good as it was.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from countermark.network.identities.certificates import load_certificate
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.participation import participation
from countermark.network.lifecycle.patience import patiently
from countermark.network.native import nodes
from countermark.network.native.network import NativeNetwork
from countermark.network.native.servers import server_name
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import write_nodes
from countermark.network.nodes.material import chaincode_name, local_name
from countermark.network.topology import OrganisationPlan, Topology

WARNINGS_DAYS = (60, 30, 14, 7)
"""Days before the end at which a certificate is worth a louder word each time."""


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate in the folder."""

    path: Path
    organisation: str
    kind: str
    """`authority`, `member` or `tls`."""
    name: str
    """Of the authority, the member or the endpoint, within the organisation."""
    until: datetime

    def days(self, now: datetime) -> int:
        """Return how many whole days are left; negative if it has expired."""
        return (self.until - now) // timedelta(days=1)


def held(folder: NetworkFolder, topology: Topology) -> Iterator[Held]:
    """Yield the certificates of the organisations here.

    Raises:
        IdentityError: One does not parse.
    """
    for plan in topology.here:
        directory = folder.organisation_path(plan.name)
        places = [(directory / name / "cert.pem", "authority", name) for name in ("ca", "tlsca")]
        for kind, below in (("member", "identities"), ("tls", "tls")):
            places += [(path, kind, path.parent.name) for path in sorted((directory / below).glob("*/cert.pem"))]
        for path, kind, name in places:
            yield Held(path, plan.name, kind, name, load_certificate(path.read_bytes()).not_after)


def urgency(days: int) -> int:
    """Return how many of the warning marks have been passed: 0 if there is time, 4 in the last week."""
    return sum(days <= mark for mark in WARNINGS_DAYS)


class Renewal:
    """New certificates for the nodes of a folder; those that run are restarted, one after the other."""

    def __init__(self, network: NativeNetwork) -> None:
        """Take over whose nodes, natively or in containers.

        Raises:
            RunError: They could not be started again.
        """
        network.check_startable()
        self._network = network

    def renew_members(self, *, below_days: int | None) -> list[str]:
        """Renew administrators and clients; whoever speaks as one of them needs a restart to use the new certificate.

        With `below_days`, only those with fewer days left. Returns their names.

        Raises:
            IdentityError: Files are damaged, or the authority has expired.
        """
        renewed = []
        for plan in self._network.topology.here:
            of_nodes = {local_name(node.name) for node in plan.nodes}
            for one in self._due(plan, below_days):
                if one.kind == "member" and one.name not in of_nodes:
                    self._network.folder.organisation(plan.name).renew(one.name)
                    renewed.append(f"{one.name}.{plan.name}")
        return renewed

    def renew_orderer(self, orderer: nodes.OrdererNode, *, below_days: int | None) -> bool:
        """Renew an orderer's certificates, if they are due, and restart it if it runs; return whether they were due.

        Raises:
            NetworkError: Files are damaged, or the orderer does not come back.
        """
        if not self._renew(orderer.plan, [local_name(orderer.name)], below_days):
            return False
        if orderer.name in self._network.running():
            channel = self._network.topology.channel
            before = participation(orderer.access, channel)
            self._network.start(self._network.stop([orderer.name]))
            patiently(partial(_check_back, orderer, channel, before.height if before else 0))
        return True

    def renew_peer(self, peer: nodes.PeerNode, *, below_days: int | None) -> bool:
        """Renew the certificates of a peer and of its chaincode server, if they are due, and restart what runs.

        Raises:
            NetworkError: Files are damaged, or one does not come back.
            LedgerError: Gateways do not find endorsers again.
        """
        names = [local_name(peer.name), local_name(chaincode_name(peer.name))]
        if not self._renew(peer.plan, names, below_days):
            return False
        network = self._network
        running = network.stop([peer.name])
        # The connection that the external builder released holds the old certificate; the peer has it made again.
        shutil.rmtree(network.folder.node(peer.name) / "data" / "externalbuilder" / "builds", ignore_errors=True)
        uses = network.packages.in_use()
        network.start(network.stop([server_name(peer.peer, use) for use in uses]))
        network.start(running)
        if running:
            network.wait_caught_up([peer])
            if uses:
                network.wait_ready()
        return True

    def _renew(self, plan: OrganisationPlan, names: list[str], below_days: int | None) -> bool:
        due = [one for one in self._due(plan, below_days) if one.name in names]
        organisation = self._network.folder.organisation(plan.name)
        for one in due:
            if one.kind == "member":
                organisation.renew(one.name)
            elif one.kind == "tls":
                organisation.renew_tls(one.name)
        write_nodes(self._network.folder, self._network.topology)
        return bool(due)

    def _due(self, plan: OrganisationPlan, below_days: int | None) -> list[Held]:
        now = datetime.now(UTC)
        mine = [one for one in held(self._network.folder, self._network.topology) if one.organisation == plan.name]
        return [one for one in mine if one.kind != "authority" and (below_days is None or one.days(now) < below_days)]


def _check_back(orderer: nodes.OrdererNode, channel: str, height: int) -> None:
    part = participation(orderer.access, channel)
    if part is None or part.status != "active" or part.height < height:
        raise LifecycleError("not_yet", f"{orderer.name} has not caught up yet")
