"""Certificates of a folder: how long they hold, and new ones for the same keys, one node at a time.

With the same key nothing else changes: orderers know each other by their keys, and what was endorsed or signed before
stays as good as it was.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from countermark.network.identities.certificates import load_certificate
from countermark.network.identities.files import write_file
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.participation import participation
from countermark.network.lifecycle.patience import patiently
from countermark.network.native import nodes
from countermark.network.native.servers import server_name
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import write_nodes
from countermark.network.nodes.material import chaincode_name, local_name
from countermark.network.operations.network import Network
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

    def __init__(self, network: Network) -> None:
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
        restart = self._renew(orderer.plan, orderer.name, [orderer.name], below_days, runs=[orderer.name])
        if restart is None:
            return False
        if restart:
            channel = self._network.topology.channel
            height = _height(orderer, channel)
            self._network.stop(restart)
            self._network.start(restart)
            patiently(partial(_check_back, orderer, channel, height))
        self._note(orderer.name).unlink()
        return True

    def renew_peer(self, peer: nodes.PeerNode, *, below_days: int | None) -> bool:
        """Renew the certificates of a peer and of its chaincode server, if they are due, and restart what runs.

        Raises:
            NetworkError: Files are damaged, or one does not come back.
            LedgerError: Gateways do not find endorsers again.
        """
        network, uses = self._network, self._network.packages.in_use()
        runs = [*(server_name(peer.peer, use) for use in uses), peer.name]
        names = [peer.name, chaincode_name(peer.name)]
        restart = self._renew(peer.plan, peer.name, names, below_days, runs=runs)
        if restart is None:
            return False
        network.stop(restart)
        # The connection that the external builder released holds the old certificate; the peer has it made again.
        shutil.rmtree(network.folder.node(peer.name) / "data" / "externalbuilder" / "builds", ignore_errors=True)
        network.start(restart)
        if peer.name in restart:
            network.wait_caught_up([peer])
            if uses:
                network.wait_ready()
        self._note(peer.name).unlink()
        return True

    def _renew(
        self, plan: OrganisationPlan, node: str, names: Sequence[str], below_days: int | None, *, runs: Sequence[str]
    ) -> list[str] | None:
        """Renew what is due of `names`, and return which of `runs` must be restarted; None if nothing was due.

        That is noted until they have been: whoever was interrupted meanwhile goes on with the next run.
        """
        own = [local_name(name) for name in names]
        due = [one for one in self._due(plan, below_days) if one.name in own]
        note = self._note(node)
        if note.exists():
            restart: list[str] = json.loads(note.read_bytes())
        elif due:
            running = self._network.running()
            restart = [name for name in runs if name in running]
            write_file(note, json.dumps(restart).encode())
        else:
            return None
        organisation = self._network.folder.organisation(plan.name)
        for one in due:
            if one.kind == "member":
                organisation.renew(one.name)
            elif one.kind == "tls":
                organisation.renew_tls(one.name)
        write_nodes(self._network.folder, self._network.topology)
        return restart

    def _note(self, node: str) -> Path:
        return self._network.folder.path / "renewals" / f"{node}.json"

    def _due(self, plan: OrganisationPlan, below_days: int | None) -> list[Held]:
        now = datetime.now(UTC)
        mine = [one for one in held(self._network.folder, self._network.topology) if one.organisation == plan.name]
        return [one for one in mine if one.kind != "authority" and (below_days is None or one.days(now) < below_days)]


def _height(orderer: nodes.OrdererNode, channel: str) -> int:
    """Return how many blocks an orderer has; 0 if it does not answer, as with a certificate that has expired."""
    try:
        part = participation(orderer.access, channel)
    except LifecycleError as error:
        if error.code != "unreachable":
            raise
        part = None
    return part.height if part else 0


def _check_back(orderer: nodes.OrdererNode, channel: str, height: int) -> None:
    part = participation(orderer.access, channel)
    # With BFT, orderers before Fabric 3.1.2 know each other by whole certificates: then one that is not known by its
    # new one follows, and the next is not touched.
    if part is None or part.status != "active" or part.relation != "consenter" or part.height < height:
        raise LifecycleError("not_yet", f"{orderer.name} does not order again yet")
