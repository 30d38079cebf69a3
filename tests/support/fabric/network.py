"""A native network of Fabric on the loopback address, as small as it may be, everything in one folder.

One peer for each of platform, supervisor and trader, each with its chaincode server, and one orderer unless more are
asked for.
"""

import dataclasses
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from countermark.network.blocks import parse_block
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.genesis import Batch
from countermark.network.lifecycle.deployment import bring_about, install_on
from countermark.network.lifecycle.patience import patiently
from countermark.network.lifecycle.wire import agreement
from countermark.network.native import nodes
from countermark.network.native.daemons import Daemon
from countermark.network.native.network import NativeNetwork
from countermark.network.native.servers import ChaincodeServer, InUse, servers
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate, profile
from countermark.network.operations.contracts import Contracts
from countermark.network.ports import free_ports
from countermark.network.topology import Consensus, OrganisationPlan, Topology, parse_topology
from tests.support.clock import now_ms
from tests.support.gateway_backend import ALSO_ASKED, UNITS, Client
from tests.support.market import PLATFORM, SUPERVISOR, TRADER

CHAINCODE = "countermark"
BATCH = Batch(timeout_ms=200, max_messages=100)
TIME_WINDOW_S = 5
NAMES = {PLATFORM: "platform", SUPERVISOR: "supervisor", TRADER: "trader"}
"""Names of the organisations by MSP id."""

_PARTS = {PLATFORM: "platform", SUPERVISOR: "supervisor", TRADER: "member"}


ORDERING = "ordering"
"""Name of the organisation that runs the orderers."""


def small_description(channel: str, *, orderers: int = 1, consensus: Consensus = Consensus.RAFT) -> str:
    """A network.yaml of three peers and few orderers, on free ports."""
    ports = iter(free_ports(5 * len(NAMES) + 3 * orderers))
    text = (
        f"network: countermark\nchannel: {channel}\nchaincode: {{name: {CHAINCODE}, version: '1.0'}}\n"
        f"consensus: {consensus}\ntime_window_s: {TIME_WINDOW_S}\norganisations:\n"
    )
    for msp_id, name in NAMES.items():
        text += organisation_text(name, msp_id, _PARTS[msp_id], ports)
    return text + ordering_text(ORDERING, "OrdererMSP", orderers, ports)


def organisation_text(name: str, msp_id: str, part: str, ports: Iterator[int]) -> str:
    """An organisation with one peer, as it stands below `organisations:`."""
    peer, listener, operations, *chaincode = (next(ports) for _ in range(5))
    return (
        f"  - name: {name}\n    msp_id: {msp_id}\n    domain: {name}.example\n    part: {part}\n"
        f"    peers:\n      - name: peer0\n        host: 127.0.0.1\n        ports: {{peer: {peer}, "
        f"listener: {listener}, operations: {operations}, chaincode: {chaincode}}}\n"
    )


def ordering_text(name: str, msp_id: str, count: int, ports: Iterator[int]) -> str:
    """An organisation with orderers alone, as it stands below `organisations:`."""
    text = f"  - name: {name}\n    msp_id: {msp_id}\n    domain: {name}.example\n    orderers:\n"
    for number in range(count):
        general, admin, operations = (next(ports) for _ in range(3))
        text += (
            f"      - name: orderer{number}\n        host: 127.0.0.1\n"
            f"        ports: {{orderer: {general}, admin: {admin}, operations: {operations}}}\n"
        )
    return text


class FabricNetwork:
    """The network in `directory`; `start` brings its nodes up, with the channel but without contracts."""

    def __init__(
        self,
        directory: Path,
        channel: str,
        *,
        batch: Batch = BATCH,
        time_window_s: int = TIME_WINDOW_S,
        description: str = "",
    ) -> None:
        self.folder = NetworkFolder(directory)
        self.description = description or small_description(channel)
        described = parse_topology(self.description.encode(), directory)
        self.topology: Topology = dataclasses.replace(described, batch=batch, time_window_s=time_window_s)
        self.channel = channel
        self.native = NativeNetwork(self.folder, self.topology, report=lambda _: None)
        self._stack = ExitStack()

    def start(self) -> "FabricNetwork":
        generate(self.folder, self.topology, now_ms=now_ms(), found=True)
        self.native.up()
        self.native.serve([self.use])
        install_on([peer.access for peer in nodes.peers(self.folder, self.topology)], self.use.package)
        return self

    def grow(self, text: str) -> None:
        """Have the description go on with `text`, and make what the new nodes need; the channel stays as it is."""
        self.description += text
        described = parse_topology(self.description.encode(), self.folder.path)
        self.topology = dataclasses.replace(
            described, batch=self.topology.batch, time_window_s=self.topology.time_window_s
        )
        self.native = dataclasses.replace(self.native, topology=self.topology)
        generate(self.folder, self.topology, now_ms=now_ms(), found=False)

    @property
    def genesis_hash(self) -> bytes:
        """Header hash of block 0."""
        return parse_block(self.folder.genesis.read_bytes()).header_hash

    def deploy(self, chaincode: str = CHAINCODE, *, sequence: int = 1) -> None:
        """Put the market's contracts on the channel under the name `chaincode`."""
        wanted = agreement(Contracts(self.native).definition("1.0", chaincode))
        with self.native.administrators() as administrators:
            progress = bring_about(administrators, wanted, sequence=sequence, package_id=self.use.package.id)
        assert progress.committed

    def wait_ready(self, chaincode: str = CHAINCODE) -> None:
        """Return when an endorsement succeeds through each gateway; the market must have been founded."""
        for msp_id in NAMES:
            client = GatewayClient(self.profile(msp_id, chaincode))
            patiently(lambda client=client: client.endorse("market.show"))
            client.close()

    def profile(self, msp_id: str, chaincode: str = CHAINCODE, *, member: str = "gateway") -> ConnectionProfile:
        """Return how `member` of an organisation reaches its peer."""
        plan = self._plan(msp_id)
        made = profile(self.folder, self.topology, plan, plan.peers[0], member=member)
        return dataclasses.replace(made, chaincode=chaincode)

    def client(self, msp_id: str, chaincode: str = CHAINCODE) -> GatewayClient:
        """Return a client of an organisation, closed with the network."""
        client = GatewayClient(self.profile(msp_id, chaincode))
        self._stack.callback(client.close)
        return client

    def clients(self, chaincode: str = CHAINCODE) -> dict[Client, GatewayClient]:
        """Return a client for each organisation's members, to be closed by the caller."""
        return {
            (msp_id, unit): GatewayClient(
                *(self.profile(one, chaincode, member=member) for one in (msp_id, *ALSO_ASKED.get(msp_id, ())))
            )
            for msp_id in NAMES
            for unit, member in UNITS.items()
        }

    @contextmanager
    def replaced_chaincode(self, msp_id: str, script: Path) -> Iterator[None]:
        """For as long as the context lasts, an organisation runs `script` instead of the market's contracts."""
        with replaced(self._server(msp_id), script):
            yield

    @contextmanager
    def without_chaincode(self, msp_id: str) -> Iterator[None]:
        """For as long as the context lasts, the chaincode server of an organisation is dead."""
        kill(self._server(msp_id).daemon)
        try:
            yield
        finally:
            self._restart_chaincode(msp_id, ChaincodeServer.program())
            self.wait_ready()

    @contextmanager
    def without_peer(self, msp_id: str) -> Iterator[None]:
        """For as long as the context lasts, the peer of an organisation is dead."""
        peer = self.peer(msp_id)
        kill(peer.daemon)
        try:
            yield
        finally:
            self.native.start([peer.name])
            self.wait_ready()

    def peer(self, msp_id: str) -> nodes.PeerNode:
        return next(one for one in nodes.peers(self.folder, self.topology) if one.plan.msp_id == msp_id)

    def close(self) -> None:
        """End all processes."""
        self._stack.close()
        self.native.down()

    @property
    def use(self) -> InUse:
        return self.native.packages.add(self.topology, 1, version="1.0")

    def _server(self, msp_id: str) -> ChaincodeServer:
        return next(one for one in servers(self.folder, self.topology, [self.use]) if one.plan.msp_id == msp_id)

    def _restart_chaincode(self, msp_id: str, program: Sequence[str]) -> None:
        restart(self._server(msp_id), program)

    def _plan(self, msp_id: str) -> OrganisationPlan:
        return next(one for one in self.topology.organisations if one.msp_id == msp_id)


@contextmanager
def replaced(server: ChaincodeServer, script: Path) -> Iterator[None]:
    """For as long as the context lasts, `server` runs `script` instead of the market's contracts."""
    try:
        restart(server, [sys.executable, str(script)])
        yield
    finally:
        restart(server, ChaincodeServer.program())


def restart(server: ChaincodeServer, program: Sequence[str]) -> None:
    server.daemon.stop()
    server.daemon.start([*program, *server.arguments()], nodes.environment())
    server.wait_ready()


def kill(daemon: Daemon) -> None:
    """End a process as a crash does, and return when it is gone."""
    daemon.ask_to_end(signal.SIGKILL)
    daemon.stop()


@contextmanager
def fabric_network(directory: Path, channel: str, *, description: str = "") -> Iterator[FabricNetwork]:
    network = FabricNetwork(directory, channel, description=description)
    try:
        yield network.start()
    finally:
        network.close()
