"""How the containers of a folder are: what the engine says of them, how far their ledgers are."""

from collections.abc import Iterator

from countermark.network.client import GatewayClient, LedgerError
from countermark.network.compose.network import ComposeNetwork
from countermark.network.compose.project import Container
from countermark.network.errors import NetworkError
from countermark.network.lifecycle import participation
from countermark.network.native import nodes
from countermark.network.native.status import NodeStatus
from countermark.network.nodes.generation import profile

_WAIT_S = 3.0


def statuses(network: ComposeNetwork) -> Iterator[NodeStatus]:
    """Yield the status of each container of this folder; a node that does not answer is a status, not an error.

    Raises:
        RunError: The engine does not answer.
    """
    found = {one.service: one for one in network.project.containers()}
    for orderer in nodes.orderers(network.folder, network.topology):
        yield _status(found.pop(orderer.name, None), orderer.name, "orderer", *_orderer(network, orderer))
    for peer in nodes.peers(network.folder, network.topology):
        yield _status(found.pop(peer.name, None), peer.name, "peer", *_peer(network, peer))
    for name, container in found.items():
        yield _status(container, name, "chaincode", None, "")


def _status(container: Container | None, name: str, kind: str, height: int | None, detail: str) -> NodeStatus:
    if container is None or not container.running:
        return NodeStatus(name, kind, None, False, None, "not running")
    healthy = container.healthy and (kind == "chaincode" or height is not None)
    return NodeStatus(name, kind, None, healthy, height, detail or container.health)


def _orderer(network: ComposeNetwork, orderer: nodes.OrdererNode) -> tuple[int | None, str]:
    try:
        part = participation.participation(orderer.access, network.topology.channel)
    except NetworkError as error:
        return None, str(error)
    return (None, "has not joined the channel") if part is None else (part.height, f"{part.relation}, {part.status}")


def _peer(network: ComposeNetwork, peer: nodes.PeerNode) -> tuple[int | None, str]:
    client = GatewayClient(profile(network.folder, network.topology, peer.plan, peer.peer))
    try:
        return client.newest_block(timeout=_WAIT_S).number + 1, ""
    except LedgerError as error:
        return None, error.detail
    finally:
        client.close()
