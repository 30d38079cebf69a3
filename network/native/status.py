"""How the nodes of a folder are: whether they run, what their health checks say, how far their ledgers are."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from countermark.network.client import GatewayClient, LedgerError
from countermark.network.errors import NetworkError
from countermark.network.lifecycle import participation
from countermark.network.native import nodes
from countermark.network.native.servers import servers
from countermark.network.nodes.generation import profile
from countermark.network.operations.network import Network
from countermark.network.ports import listens

_WAIT_S = 3.0


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One process of the network."""

    name: str
    kind: str
    """`orderer`, `peer` or `chaincode`."""
    pid: int | None
    healthy: bool
    """Whether it runs and its health check says so."""
    height: int | None
    """Blocks of the channel that it has; None if it did not say, or has no ledger."""
    detail: str = ""


def statuses(network: Network) -> Iterator[NodeStatus]:
    """Yield the status of each process of this folder; a node that does not answer is a status, not an error.

    Raises:
        LifecycleError: The folder's files are damaged.
    """
    for orderer in nodes.orderers(network.folder, network.topology):
        yield _orderer(network, orderer)
    for peer in nodes.peers(network.folder, network.topology):
        yield _peer(network, peer)
    for server in servers(network.folder, network.topology, network.packages.in_use()):
        pid = server.daemon.pid
        healthy = pid is not None and listens(server.host, server.port)
        yield NodeStatus(server.daemon.name, "chaincode", pid, healthy, None, f"sequence {server.use.sequence}")


def _orderer(network: Network, orderer: nodes.OrdererNode) -> NodeStatus:
    pid = orderer.daemon.pid
    if pid is None:
        return NodeStatus(orderer.name, "orderer", None, False, None, "not running")
    healthy = _healthy(orderer.host, orderer.orderer.operations)
    try:
        part = participation.participation(orderer.access, network.topology.channel)
    except NetworkError as error:
        return NodeStatus(orderer.name, "orderer", pid, False, None, str(error))
    if part is None:
        return NodeStatus(orderer.name, "orderer", pid, False, None, "has not joined the channel")
    return NodeStatus(orderer.name, "orderer", pid, healthy, part.height, f"{part.relation}, {part.status}")


def _peer(network: Network, peer: nodes.PeerNode) -> NodeStatus:
    pid = peer.daemon.pid
    if pid is None:
        return NodeStatus(peer.name, "peer", None, False, None, "not running")
    healthy = _healthy(peer.host, peer.peer.operations)
    client = GatewayClient(profile(network.folder, network.topology, peer.plan, peer.peer))
    try:
        height = client.newest_block(timeout=_WAIT_S).number + 1
    except LedgerError as error:
        return NodeStatus(peer.name, "peer", pid, False, None, error.detail)
    finally:
        client.close()
    return NodeStatus(peer.name, "peer", pid, healthy, height)


def _healthy(host: str, port: int) -> bool:
    """Return what Fabric's operations endpoint says of the node's health."""
    try:
        answer = httpx.get(f"http://{host}:{port}/healthz", timeout=_WAIT_S, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK
