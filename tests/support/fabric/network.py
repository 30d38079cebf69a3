"""A native network of Fabric on the loopback address: processes of its own, everything in one folder.

One orderer and one peer for each of platform, supervisor and trader, each with its chaincode server, all with TLS.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from countermark.network.blocks import parse_block
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.embedded.definition import market_definition
from countermark.network.genesis import (
    Batch,
    ChannelDefinition,
    Consenter,
    OrdererOrganisation,
    PeerOrganisation,
    Raft,
    genesis_block,
)
from tests.support.clock import now_ms
from tests.support.fabric import (
    binaries,
    external_builder,
    orderer_settings,
    package,
    participation,
    peer_settings,
    topology,
)
from tests.support.fabric.lifecycle.approve import approve
from tests.support.fabric.lifecycle.commit import commit
from tests.support.fabric.lifecycle.install import install
from tests.support.fabric.lifecycle.join import join
from tests.support.fabric.patience import patiently, settled, submit
from tests.support.fabric.topology import NAMES
from tests.support.gateway_backend import ALSO_ASKED, UNITS, Client
from tests.support.market import PLATFORM, SUPERVISOR
from tests.support.processes import Process

HONEST = Path(__file__).resolve().parents[3] / "chaincode" / "server.py"
CHAINCODE = "countermark"
BATCH = Batch(timeout_ms=200, max_messages=100)
TIME_WINDOW_S = 5


class FabricNetwork:
    """The network in `directory`; `start` brings its nodes up, without any channel."""

    def __init__(self, directory: Path, *, time_window_s: int = TIME_WINDOW_S) -> None:
        self.topology = topology.create(directory)
        self.package = package.build("countermark_1")
        self._time_window_s = time_window_s
        self._binaries = binaries.find()
        self._stack = ExitStack()
        self._addresses: dict[str, str] = {}
        self._chaincodes: dict[str, Process] = {}
        self._peer_settings: dict[str, dict[str, str]] = {}
        self.genesis: dict[str, bytes] = {}
        """Header hash of block 0 by channel."""
        self.orderer: Process | None = None
        self.peers: dict[str, Process] = {}

    def start(self) -> "FabricNetwork":
        for msp_id in NAMES:
            self._start_chaincode(msp_id, HONEST)
        for msp_id in NAMES:
            self._addresses[msp_id] = self._chaincodes[msp_id].wait_line(r"chaincode listening on (\S+)").group(1)
        self._start_nodes()
        for peer in self.topology.peers.values():
            install(peer, self.package)
        return self

    def create_channel(self, name: str, batch: Batch = BATCH) -> None:
        """Make a channel of all organisations and have orderer and peers join it."""
        genesis = genesis_block(self._channel(name, batch), now_ms=now_ms())
        self.genesis[name] = parse_block(genesis).header_hash
        participation.join(self.topology.orderer, genesis)
        for peer in self.topology.peers.values():
            join(peer, genesis)

    def deploy(self, channel: str, chaincode: str = CHAINCODE) -> None:
        """Put the market's contracts on `channel` under the name `chaincode`."""
        definition = market_definition(chaincode, "1.0", list(NAMES), platform=PLATFORM, supervisor=SUPERVISOR)
        administrators = [self._administrator(msp_id, channel) for msp_id in NAMES]
        approvals = [approve(one, definition, sequence=1, package_id=self.package.id) for one in administrators]
        for administrator, approval in zip(administrators, approvals, strict=True):
            submit(administrator, approval)
        # Endorsers of the commit must have seen all approvals, and clients of any peer the commit.
        for approval in approvals:
            settled(administrators, approval.tx_id).check()
        committing = commit(administrators[0], definition, sequence=1, organisations=list(NAMES))
        submit(administrators[0], committing)
        settled(administrators, committing.tx_id).check()
        for administrator in administrators:
            administrator.close()

    def wait_ready(self, channel: str, chaincode: str = CHAINCODE) -> None:
        """Return when an endorsement succeeds through each gateway; the market must have been founded."""
        for msp_id in NAMES:
            client = GatewayClient(self.profile(msp_id, channel, chaincode))
            patiently(lambda client=client: client.endorse("market.show"))
            client.close()

    def profile(
        self, msp_id: str, channel: str, chaincode: str = CHAINCODE, *, member: str = "gateway"
    ) -> ConnectionProfile:
        """Return how `member` of an organisation reaches its peer."""
        peer = self.topology.peers[msp_id]
        identity = peer.organisation.directory / "identities" / member
        return ConnectionProfile(
            msp_id=msp_id,
            channel=channel,
            chaincode=chaincode,
            gateway=peer.address("peer"),
            host_override="",
            tls_ca_file=peer.organisation.tls_ca_file,
            cert_file=identity / "cert.pem",
            key_file=identity / "key.pem",
        )

    def client(self, msp_id: str, channel: str, chaincode: str = CHAINCODE) -> GatewayClient:
        """Return a client of an organisation, closed with the network."""
        client = GatewayClient(self.profile(msp_id, channel, chaincode))
        self._stack.callback(client.close)
        return client

    def clients(self, channel: str, chaincode: str = CHAINCODE) -> dict[Client, GatewayClient]:
        """Return a client for each organisation's members, to be closed by the caller."""
        return {
            (msp_id, unit): GatewayClient(
                *(
                    self.profile(one, channel, chaincode, member=member)
                    for one in (msp_id, *ALSO_ASKED.get(msp_id, ()))
                )
            )
            for msp_id in NAMES
            for unit, member in UNITS.items()
        }

    @contextmanager
    def replaced_chaincode(self, msp_id: str, script: Path) -> Iterator[None]:
        """For as long as the context lasts, an organisation runs `script` instead of the market's contracts."""
        try:
            self._restart_chaincode(msp_id, script)
            yield
        finally:
            self._restart_chaincode(msp_id, HONEST)

    @contextmanager
    def without_chaincode(self, msp_id: str, channel: str) -> Iterator[None]:
        """For as long as the context lasts, the chaincode server of an organisation is dead."""
        self._chaincodes[msp_id].end(signal.SIGKILL)
        try:
            yield
        finally:
            self._restart_chaincode(msp_id, HONEST)
            self.wait_ready(channel)

    @contextmanager
    def without_peer(self, msp_id: str, channel: str) -> Iterator[None]:
        """For as long as the context lasts, the peer of an organisation is dead."""
        self.peers[msp_id].end(signal.SIGKILL)
        try:
            yield
        finally:
            self._start_peer(msp_id)
            self.wait_ready(channel)

    def close(self) -> None:
        """End all processes."""
        self._stack.close()
        for process in (*self.peers.values(), self.orderer, *self._chaincodes.values()):
            if process is not None:
                process.end()

    def _start_nodes(self) -> None:
        inherited = topology.clean_environment()
        orderer, builder = self.topology.orderer, external_builder.write(self.topology.directory / "builder")
        self.orderer = Process([self._binaries.orderer], inherited | orderer_settings.write(orderer))
        for msp_id, peer in self.topology.peers.items():
            self._peer_settings[msp_id] = inherited | peer_settings.write(
                peer, builder=builder, chaincode=self._addresses[msp_id], time_window_s=self._time_window_s
            )
            self._start_peer(msp_id)
        self.orderer.wait_line("Beginning to serve requests")

    def _start_peer(self, msp_id: str) -> None:
        self.peers[msp_id] = Process([self._binaries.peer, "node", "start"], self._peer_settings[msp_id])

    def _start_chaincode(self, msp_id: str, script: Path) -> None:
        organisation = self.topology.peers[msp_id].organisation
        tls = organisation.directory / "tls" / "chaincode"
        command = [
            *(sys.executable, str(script)),
            *("--address", self._addresses.get(msp_id, f"{topology.LOOPBACK}:0")),
            *("--ccid", self.package.id),
            *("--tls-cert", str(tls / "cert.pem")),
            *("--tls-key", str(tls / "key.pem")),
            *("--client-ca", str(organisation.tls_ca_file)),
        ]
        self._chaincodes[msp_id] = Process(command)

    def _restart_chaincode(self, msp_id: str, script: Path) -> None:
        self._chaincodes[msp_id].end()
        self._start_chaincode(msp_id, script)
        self._chaincodes[msp_id].wait_line("chaincode listening on")

    def _administrator(self, msp_id: str, channel: str) -> GatewayClient:
        return GatewayClient(self.profile(msp_id, channel, "_lifecycle", member="admin"))

    def _channel(self, name: str, batch: Batch) -> ChannelDefinition:
        orderer = self.topology.orderer
        endpoint = orderer.endpoint("general")
        certificate = orderer.tls.certificate_file.read_bytes()
        return ChannelDefinition(
            channel=name,
            organisations=tuple(
                PeerOrganisation(peer.organisation.msp, (peer.endpoint("peer"),))
                for peer in self.topology.peers.values()
            ),
            orderers=(OrdererOrganisation(orderer.organisation.msp, (endpoint,)),),
            consenters=(Consenter(endpoint, certificate, certificate),),
            batch=batch,
            # One orderer elects itself; nobody's heartbeat can come too late.
            raft=Raft(tick_ms=20),
        )


@contextmanager
def fabric_network(directory: Path, *, time_window_s: int = TIME_WINDOW_S) -> Iterator[FabricNetwork]:
    network = FabricNetwork(directory, time_window_s=time_window_s)
    try:
        yield network.start()
    finally:
        network.close()
