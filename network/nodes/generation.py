"""Everything that a network's folder must hold before its nodes start; made where it is missing, else left alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from countermark.network.client import ConnectionProfile
from countermark.network.compose import builder as shell_builder
from countermark.network.compose import files as containers
from countermark.network.compose.places import PLACES
from countermark.network.native.servers import Packages
from countermark.network.nodes import external_builder, msp_folder
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.founding import check_channel
from countermark.network.nodes.material import GATEWAY, local_name, make_genesis, make_organisations
from countermark.network.nodes.orderer_settings import orderer_settings
from countermark.network.nodes.owner import Owner
from countermark.network.nodes.peer_settings import peer_settings
from countermark.network.nodes.places import Places, native
from countermark.network.nodes.writing import settings_bytes, write_changed
from countermark.network.topology import Mode, Orderer, OrganisationPlan, Peer, Topology


@dataclass(frozen=True, slots=True)
class Generated:
    """What there is now; `founded` says whether the genesis block was made by this call."""

    founded: bool
    waiting: bool
    """Whether the genesis block is yet to come from another organisation."""


def generate(folder: NetworkFolder, topology: Topology, *, now_ms: int, found: bool) -> Generated:
    """Make key material, settings, connection profiles and, with `found`, the genesis block.

    Raises:
        TopologyError: The folder's files are of other organisations, or of another channel, than the description's.
        IdentityError: Files are damaged.
    """
    check_channel(folder, topology)
    make_organisations(folder, topology)
    founded = found and make_genesis(folder, topology, now_ms=now_ms)
    builder = shell_builder if topology.mode is Mode.COMPOSE else external_builder
    builder.write(folder.builder)
    write_nodes(folder, topology)
    if topology.mode is Mode.COMPOSE:
        containers.write(folder, topology, Packages(folder).in_use(), Owner.usual())
    for plan in topology.here:
        write_profiles(folder, topology, plan)
    return Generated(founded, not folder.genesis.exists())


def write_nodes(folder: NetworkFolder, topology: Topology) -> None:
    """Write settings and MSP folders of this folder's nodes, as far as they have changed.

    Raises:
        IdentityError: Key material is missing.
    """
    for plan in topology.here:
        for node in plan.nodes:
            msp_folder.write(folder.node(node.name) / "msp", folder.organisation(plan.name), local_name(node.name))
    for _, path, data in node_settings(folder, topology):
        write_changed(path, data)


def node_settings(folder: NetworkFolder, topology: Topology) -> Iterator[tuple[str, Path, bytes]]:
    """Yield for each node of this folder its name, the file of its settings, and what that is to hold."""
    for plan, orderer in topology.orderers():
        places = _places(folder, topology, plan, orderer)
        settings = settings_bytes(orderer_settings(orderer, plan.msp_id, places))
        yield orderer.name, folder.node(orderer.name) / "orderer.yaml", settings
    for plan, peer in topology.peers():
        places = _places(folder, topology, plan, peer)
        core = peer_settings(
            peer,
            plan.msp_id,
            places,
            network=topology.name,
            bootstrap=[str(one.endpoint) for one in plan.peers],
            time_window_s=topology.time_window_s,
        )
        yield peer.name, folder.node(peer.name) / "core.yaml", settings_bytes(core)


def _places(folder: NetworkFolder, topology: Topology, plan: OrganisationPlan, node: Peer | Orderer) -> Places:
    return PLACES if topology.mode is Mode.COMPOSE else native(folder, plan.name, node.name, node.host)


def write_profiles(folder: NetworkFolder, topology: Topology, plan: OrganisationPlan) -> None:
    """Write how clients reach the peers of an organisation: `<name>.json` for the first, `<peer>.json` for each.

    Raises:
        IdentityError: Key material is missing.
    """
    for peer in plan.peers:
        data = profile(folder, topology, plan, peer).dumps().encode()
        write_changed(folder.connections / f"{peer.name}.json", data)
        if peer is plan.peers[0]:
            write_changed(folder.connections / f"{plan.name}.json", data)


def profile(
    folder: NetworkFolder, topology: Topology, plan: OrganisationPlan, peer: Peer, *, member: str = GATEWAY
) -> ConnectionProfile:
    """Return how `member` of an organisation here reaches `peer` of it from this machine.

    Raises:
        IdentityError: Key material is missing.
    """
    organisation = folder.organisation(plan.name)
    identity = organisation.directory / "identities" / member
    return ConnectionProfile(
        msp_id=plan.msp_id,
        channel=topology.channel,
        chaincode=topology.chaincode,
        gateway=f"{topology.reached(peer.host)}:{peer.port}",
        host_override="",
        tls_ca_file=organisation.tls_ca_file.absolute(),
        cert_file=(identity / "cert.pem").absolute(),
        key_file=(identity / "key.pem").absolute(),
    )


def administrator(profile: ConnectionProfile, folder: NetworkFolder, plan: OrganisationPlan) -> ConnectionProfile:
    """Return `profile` as the organisation's administrator has it, for the lifecycle of chaincode.

    Raises:
        IdentityError: Key material is missing.
    """
    identity = folder.organisation(plan.name).directory / "identities" / "admin"
    return replace(profile, chaincode="_lifecycle", cert_file=identity / "cert.pem", key_file=identity / "key.pem")
