"""What must hold before anything is started; whatever does not is said, and nothing has been touched."""

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from countermark.network.genesis import network_id
from countermark.network.identities.certificates import load_certificate
from countermark.network.identities.files import write_file
from countermark.network.native.daemons import Daemon
from countermark.network.native.errors import RunError
from countermark.network.native.nodes import orderers, peers
from countermark.network.native.servers import places
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.founding import check_channel
from countermark.network.nodes.generation import node_settings
from countermark.network.nodes.writing import holds
from countermark.network.ports import why_not_free
from countermark.network.topology import Mode, Topology

_MARK = "network-id"


def check_before_start(folder: NetworkFolder, topology: Topology) -> None:
    """Return if the network of `folder` can be started.

    Raises:
        RunError: The folder is not ready, holds nodes of another network, a certificate has expired, a port is taken.
        TopologyError: The genesis block is of another channel.
        NetworkError: A file is damaged.
    """
    if topology.mode is not Mode.NATIVE:
        raise RunError("other_mode", f"{folder.description} describes a network of mode {topology.mode}")
    check_generated(folder, topology)
    check_network(folder, topology)
    check_certificates(folder, topology)
    _check_ports(folder, topology)


def mark_nodes(folder: NetworkFolder, topology: Topology) -> None:
    """Note beside each node of which network its ledger is, so that another is never started on it."""
    for name in _nodes(topology):
        mark_node(folder, name)


def mark_node(folder: NetworkFolder, name: str) -> None:
    """Note beside the node `name` that its ledger is of the network of `folder`, unless something is noted."""
    mark = folder.node(name) / _MARK
    if not mark.exists():
        write_file(mark, network_id(folder.genesis.read_bytes()).encode())


def check_mark(folder: NetworkFolder, name: str) -> None:
    """Return if nothing is noted beside the node `name`, or the network of `folder`.

    Raises:
        RunError: Its ledger is of another network.
    """
    mark = folder.node(name) / _MARK
    if mark.exists() and mark.read_text().strip() != network_id(folder.genesis.read_bytes()):
        raise RunError("other_network", f"{mark.parent} holds the ledger of another network: move it away")


def check_generated(folder: NetworkFolder, topology: Topology) -> None:
    """Return if the settings of all nodes here are what the description says, and the genesis block is its channel's.

    A node that listens elsewhere than the description says would be waited for in vain.

    Raises:
        RunError: Something is missing, or the description has changed since.
        TopologyError: The genesis block begins another channel.
    """
    if not folder.genesis.exists():
        raise RunError(
            "no_genesis", f"{folder.genesis} is missing: `network generate` makes it, or the founder sends it"
        )
    check_channel(folder, topology)
    stale = [name for name, path, data in node_settings(folder, topology) if not holds(path, data)]
    missing = [name for name in _nodes(topology) if not (folder.node(name) / "msp" / "config.yaml").exists()]
    if stale or missing:
        names = ", ".join(dict.fromkeys((*missing, *stale)))
        raise RunError(
            "not_generated", f"the settings of {names} are not those of network.yaml: run `network generate`"
        )


def check_network(folder: NetworkFolder, topology: Topology) -> None:
    """Return if no node here has the ledger of another network.

    Raises:
        RunError: One has.
    """
    for name in _nodes(topology):
        mark, data = folder.node(name) / _MARK, folder.node(name) / "data"
        found = mark.read_text().strip() if mark.exists() else ""
        if (data.exists() or found) and found != network_id(folder.genesis.read_bytes()):
            raise RunError("other_network", f"{data} holds the ledger of another network: move it away")


def check_certificates(folder: NetworkFolder, topology: Topology) -> None:
    """Return if no certificate of the organisations here has expired.

    Raises:
        RunError: One has.
        IdentityError: A file is damaged.
    """
    now = datetime.now(UTC)
    for path in certificate_files(folder, topology):
        until = load_certificate(path.read_bytes()).not_after
        if until <= now:
            raise RunError(
                "expired_certificate",
                f"{path} expired on {until:%Y-%m-%d}: `network certs --renew` makes a new one for the same key",
            )


def certificate_files(folder: NetworkFolder, topology: Topology) -> Iterator[Path]:
    """Yield the certificates of the organisations here: authorities, members, TLS endpoints."""
    for plan in topology.here:
        organisation = folder.organisation_path(plan.name)
        yield organisation / "ca" / "cert.pem"
        yield organisation / "tlsca" / "cert.pem"
        for kind in ("identities", "tls"):
            yield from sorted((organisation / kind).glob("*/cert.pem"))


def _check_ports(folder: NetworkFolder, topology: Topology) -> None:
    for daemon, host, ports in _listeners(folder, topology):
        if daemon.pid is not None:
            continue
        for port in ports:
            obstacle = why_not_free(port, host)
            if obstacle:
                code = "port_in_use" if obstacle == errno.EADDRINUSE else "bad_address"
                raise RunError(code, f"{daemon.name} cannot listen on {host}:{port}: {os.strerror(obstacle)}")


def _listeners(folder: NetworkFolder, topology: Topology) -> Iterator[tuple[Daemon, str, tuple[int, ...]]]:
    for orderer in orderers(folder, topology):
        yield orderer.daemon, orderer.host, orderer.orderer.ports
    for peer in peers(folder, topology):
        one = peer.peer
        yield peer.daemon, peer.host, (one.port, one.listener, one.operations)
    for daemon, host, port in places(folder, topology):
        yield daemon, host, (port,)


def _nodes(topology: Topology) -> list[str]:
    return [node.name for plan in topology.here for node in plan.nodes]
