"""Key material of the organisations whose keys are in a folder, and the channel's first block."""

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address

from countermark.network.genesis import (
    Bft,
    ChannelDefinition,
    Consenter,
    OrdererOrganisation,
    PeerOrganisation,
    Raft,
    genesis_block,
)
from countermark.network.identities import Organisation, Role
from countermark.network.identities.files import write_file
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.writing import write_changed
from countermark.network.topology import Consensus, Mode, Orderer, OrganisationPlan, Peer, Topology, TopologyError
from countermark.network.topology.definitions import OrdererCertificates, OrganisationDefinition, load

ADMIN, GATEWAY = "admin", "gateway"
"""Members that every organisation has: its administrator, and the client as which its gateway speaks."""


def make_organisations(folder: NetworkFolder, topology: Topology, *, now: datetime | None = None) -> None:
    """Make authorities, identities and certificates of the organisations here, as far as they are missing.

    Raises:
        TopologyError: An organisation's files are of another MSP or domain than the description says.
        IdentityError: Files are damaged.
    """
    # Before the first file is written.
    there = [_there(folder, plan, topology) for plan in topology.here]
    for plan, known in zip(topology.here, there, strict=True):
        organisation = known or Organisation.create(
            folder.organisation_path(plan.name), plan.msp_id, plan.domain, now=now
        )
        for name, role in members(plan):
            if not (organisation.directory / "identities" / name / "cert.pem").exists():
                organisation.issue(name, role, now=now)
        for name, host in endpoints(plan):
            if not (organisation.directory / "tls" / name / "cert.pem").exists():
                organisation.issue_tls(name, names_of_endpoint(topology, plan, name, host), now=now)
        write_changed(folder.definition(plan.name), definition(organisation, plan).dumps())


def definition(organisation: Organisation, plan: OrganisationPlan) -> OrganisationDefinition:
    """Return the public half of an organisation whose keys are here.

    Raises:
        IdentityError: Files are missing.
    """
    certificates = {
        one.name: OrdererCertificates(
            identity=(organisation.directory / "identities" / local_name(one.name) / "cert.pem").read_bytes(),
            tls=(organisation.directory / "tls" / local_name(one.name) / "cert.pem").read_bytes(),
        )
        for one in plan.orderers
    }
    return OrganisationDefinition(plan, organisation.msp, certificates)


def definitions(folder: NetworkFolder, topology: Topology) -> list[OrganisationDefinition]:
    """Return the public halves of all organisations of the network.

    Raises:
        TopologyError: A definition file is missing or malformed.
        IdentityError: Files of an organisation here are missing.
    """
    return [
        definition(folder.organisation(plan.name), plan) if plan.definition is None else load(plan.definition)
        for plan in topology.organisations
    ]


def make_genesis(folder: NetworkFolder, topology: Topology, *, now_ms: int) -> bool:
    """Write the channel's first block unless there is one, and return whether it was written.

    Raises:
        TopologyError: A definition file is missing or malformed.
        IdentityError: Files of an organisation here are missing.
    """
    if folder.genesis.exists():
        return False
    channel = channel_definition(topology, definitions(folder, topology))
    write_file(folder.genesis, genesis_block(channel, now_ms=now_ms))
    return True


def channel_definition(topology: Topology, organisations: list[OrganisationDefinition]) -> ChannelDefinition:
    """Return what the channel begins with."""
    return ChannelDefinition(
        channel=topology.channel,
        organisations=tuple(
            PeerOrganisation(one.msp, tuple(peer.endpoint for peer in one.plan.peers))
            for one in organisations
            if one.plan.peers
        ),
        orderers=tuple(
            OrdererOrganisation(one.msp, tuple(orderer.endpoint for orderer in one.plan.orderers))
            for one in organisations
            if one.plan.orderers
        ),
        # In an order that does not depend on whose description it is: they are told apart by number.
        consenters=tuple(
            consenter(one, orderer)
            for one in sorted(organisations, key=lambda one: one.plan.name)
            for orderer in sorted(one.plan.orderers, key=lambda orderer: orderer.name)
        ),
        batch=topology.batch,
        consensus=Bft() if topology.consensus is Consensus.BFT else Raft(),
    )


def consenter(organisation: OrganisationDefinition, orderer: Orderer) -> Consenter:
    """Return an orderer of `organisation` as the channel's configuration names it."""
    certificates = organisation.orderers[orderer.name]
    return Consenter(
        orderer.endpoint, certificates.tls, certificates.tls, organisation.plan.msp_id, certificates.identity
    )


def chaincode_name(peer: str) -> str:
    """Return the name of the chaincode server beside the peer `peer`."""
    return f"chaincode.{peer}"


def parity_host(plan: OrganisationPlan, peer: Peer, sequence: int) -> str:
    """Return the host, in containers, of the chaincode server beside `peer` for definitions with this `sequence`."""
    return f"{'odd' if sequence % 2 else 'even'}.{local_name(chaincode_name(peer.name))}.{plan.domain}"


def _serves(peer: Peer, name: str) -> bool:
    return local_name(chaincode_name(peer.name)) == name


def local_name(node: str) -> str:
    """Return the name of a node, or of a chaincode server, within its organisation: it names its certificates."""
    return node.rpartition(".")[0]


def endpoints(plan: OrganisationPlan) -> Iterator[tuple[str, str]]:
    """Yield whatever of an organisation has a TLS certificate: its name within the organisation, and its host."""
    for node in plan.nodes:
        yield local_name(node.name), node.host
    for peer in plan.peers:
        yield local_name(chaincode_name(peer.name)), peer.host


def names_of_endpoint(topology: Topology, plan: OrganisationPlan, name: str, host: str) -> list[str]:
    """Return the names under which the TLS certificate of an endpoint holds: also those that other nodes are told."""
    names = [host, f"{name}.{plan.domain}"]
    if topology.mode is Mode.COMPOSE:
        names += [parity_host(plan, peer, one) for peer in plan.peers for one in (1, 2) if _serves(peer, name)]
    if topology.mode is Mode.COMPOSE or _is_loopback(host):
        # Its ports are published on this machine too.
        names += ["localhost", "127.0.0.1"]
    return list(dict.fromkeys(names))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def members(plan: OrganisationPlan) -> Iterator[tuple[str, Role]]:
    """Yield the members of an organisation that the network needs: names within it, and roles."""
    yield ADMIN, Role.ADMIN
    yield GATEWAY, Role.CLIENT
    for peer in plan.peers:
        yield local_name(peer.name), Role.PEER
    for orderer in plan.orderers:
        yield local_name(orderer.name), Role.ORDERER


def _there(folder: NetworkFolder, plan: OrganisationPlan, topology: Topology) -> Organisation | None:
    """Return the organisation whose keys the folder has under that name; None if it has none."""
    path = folder.organisation_path(plan.name)
    if not (path / "organisation.json").exists():
        return None
    organisation = Organisation.load(path)
    if (organisation.msp_id, organisation.domain) != (plan.msp_id, plan.domain):
        raise TopologyError(
            "organisation_changed",
            f"{path} holds the keys of {organisation.msp_id} ({organisation.domain}), which are not made anew",
            line=topology.lines.get(plan.name, 0),
        )
    return organisation
