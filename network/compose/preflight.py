"""What must hold before containers are started; whatever does not is said, and nothing has been touched."""

from collections.abc import Iterator

from countermark.network.compose.project import Project
from countermark.network.native.errors import RunError
from countermark.network.native.preflight import check_certificates, check_generated, check_network
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.ports import LOOPBACK, is_free
from countermark.network.topology import Mode, Topology


def check_before_start(folder: NetworkFolder, topology: Topology, project: Project) -> None:
    """Return if the network of `folder` can be started in containers.

    Raises:
        RunError: The folder is not ready, holds nodes of another network, a certificate has expired, the engine does
            not answer, runs another network of that name, or a port is taken.
        NetworkError: A file is damaged.
    """
    if topology.mode is not Mode.COMPOSE:
        raise RunError("other_mode", f"{folder.description} describes a network of mode {topology.mode}")
    check_generated(folder, topology)
    check_network(folder, topology)
    check_certificates(folder, topology)
    containers = project.containers()
    for one in containers:
        if one.folder and one.folder != str(project.file.parent):
            raise RunError(
                "other_network", f"the engine has containers of a network {topology.name} from {one.folder}"
            )
    running = {one.service for one in containers if one.running}
    for name, port in _published(topology):
        if name not in running and not is_free(port, LOOPBACK):
            raise RunError("port_in_use", f"{name}: somebody else listens on {LOOPBACK}:{port}")


def _published(topology: Topology) -> Iterator[tuple[str, int]]:
    """Yield the ports of this machine that each node's container takes."""
    for plan in topology.here:
        for node in plan.nodes:
            for port in node.published:
                yield node.name, port
