"""What each container of a network finds in its own folder, and in no other's: settings, certificates, one key.

nodes/<node>/              settings, MSP, tls/; of a peer also what its builder needs; data/ is its ledger
nodes/chaincode.<peer>/    certificate and key of the chaincode servers beside a peer
compose.yaml               the containers
"""

from pathlib import Path
from typing import Final

from countermark.network.compose import builder
from countermark.network.compose.document import document, dumps
from countermark.network.compose.images import images
from countermark.network.identities.files import PRIVATE, make_directory
from countermark.network.lifecycle.package import CLIENT_CERTIFICATE, CLIENT_KEY, ROOT_CERTIFICATE, address_variable
from countermark.network.native.servers import InUse
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.material import chaincode_name, local_name, parity_host
from countermark.network.nodes.owner import Owner
from countermark.network.nodes.writing import write_changed
from countermark.network.topology import Orderer, OrganisationPlan, Peer, Topology

LEDGER: Final = "data"
"""Folder of a node's ledger in its own."""


def write(folder: NetworkFolder, topology: Topology, uses: list[InUse], owner: Owner) -> None:
    """Write the files of all containers here, with servers for the packages `uses`; all of it is for `owner` alone.

    The settings of the nodes must be there.

    Raises:
        IdentityError: Key material is missing.
        LifecycleError: A package has no image.
    """
    for plan, orderer in topology.orderers():
        _write_node(folder, plan, orderer)
    for plan, peer in topology.peers():
        _write_node(folder, plan, peer)
        _write_peer(folder, topology, plan, peer)
        _write_tls(folder, plan, chaincode_name(peer.name), folder.node(chaincode_name(peer.name)))
    for node in sorted((folder.path / "nodes").iterdir()):
        owner.take(node)
        for part in node.iterdir():
            if part.name != LEDGER:
                owner.take_all(part)
    content = document(topology, uses, images(folder, uses), owner)
    write_changed(folder.path / "compose.yaml", dumps(content).encode())


def make_data(folder: NetworkFolder, topology: Topology, owner: Owner) -> None:
    """Make the folders of ledgers that are missing: the engine would make them, but for root."""
    for plan in topology.here:
        for node in plan.nodes:
            data = folder.node(node.name) / LEDGER
            make_directory(data, mode=0o700)
            owner.take(data)


def _write_node(folder: NetworkFolder, plan: OrganisationPlan, node: Peer | Orderer) -> None:
    _write_tls(folder, plan, node.name, folder.node(node.name) / "tls")


def _write_tls(folder: NetworkFolder, plan: OrganisationPlan, name: str, target: Path) -> None:
    organisation = folder.organisation(plan.name)
    source = organisation.directory / "tls" / local_name(name)
    write_changed(target / "cert.pem", (source / "cert.pem").read_bytes())
    write_changed(target / "key.pem", (source / "key.pem").read_bytes(), mode=PRIVATE)
    write_changed(target / "ca.pem", organisation.tls_ca_file.read_bytes())


def _write_peer(folder: NetworkFolder, topology: Topology, plan: OrganisationPlan, peer: Peer) -> None:
    """Write what the builder puts into connection.json: where the peer's servers are, and as whom it dials them."""
    tls = folder.node(peer.name) / "tls"
    texts = {
        address_variable(sequence): f"{parity_host(plan, peer, sequence)}:{port}"
        for sequence, port in enumerate(peer.chaincode, start=1)
    }
    texts |= {
        name: (tls / file).read_text()
        for name, file in ((CLIENT_CERTIFICATE, "cert.pem"), (CLIENT_KEY, "key.pem"), (ROOT_CERTIFICATE, "ca.pem"))
    }
    write_changed(folder.node(peer.name) / builder.SCRIPT, builder.script(texts).encode(), mode=PRIVATE)
