"""A native network as `countermark network` makes it, with the bare contract beside the market's on its channel."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.processes import processor_s
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.lifecycle.definition import Definition
from countermark.network.lifecycle.deployment import bring_about, install_on
from countermark.network.lifecycle.package import build
from countermark.network.lifecycle.wire import agreement
from countermark.network.native import nodes
from countermark.network.native.daemons import Daemon
from countermark.network.native.network import NativeNetwork
from countermark.network.native.servers import InUse, servers
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.operations.contracts import Contracts
from countermark.network.topology import load
from tests.support.gateway_backend import Client
from tests.support.whole_platform import COUNTERMARK

BARE = "bare"
ORGANISATIONS = ("platform", "supervisor", "trader")
_SCRIPT = Path(__file__).with_name("bare.py")
_NO_CODE = "sha256:" + 64 * "0"
_OTHER_PLACE = 2
"""The market's contracts have sequence 1, so the ports of even sequences are free."""


class Bench:
    """The default network in a folder, which runs while the context of `running` lasts."""

    def __init__(self, directory: Path) -> None:
        self.folder = NetworkFolder(directory)
        self.native = NativeNetwork(self.folder, load(self.folder.description), report=lambda _: None)
        self._bare: list[Daemon] = []

    def client(self, organisation: str, chaincode: str = "countermark") -> GatewayClient:
        """Return a client of the first peer of an organisation."""
        profile = ConnectionProfile.load(self.folder.connections / f"{organisation}.json")
        return GatewayClient(replace(profile, chaincode=chaincode))

    def clients(self) -> dict[Client, GatewayClient]:
        """Return a client for each organisation's gateway, as tests of contracts want them."""
        return {(client.profile.msp_id, "client"): client for client in map(self.client, ORGANISATIONS)}

    def deploy_bare(self) -> None:
        """Put the bare contract on the channel: the same policy, servers of its own beside all peers."""
        package = build(f"{BARE}_1", sequence=_OTHER_PLACE, code_digest=_NO_CODE)
        for server in servers(self.folder, self.native.topology, [InUse(_OTHER_PLACE, package)]):
            arguments = server.arguments()
            place = arguments.index("--package")  # whose code is the market's
            command = [sys.executable, str(_SCRIPT), *arguments[:place], *arguments[place + 2 :]]
            server.daemon.start(command, nodes.environment())
            self._bare.append(server.daemon)
            server.wait_ready()
        install_on([peer.access for peer in nodes.peers(self.folder, self.native.topology)], package)
        policy = Contracts(self.native).definition("1.0").policy
        wanted = agreement(Definition(BARE, "1", policy))
        with self.native.administrators() as administrators:
            progress = bring_about(administrators, wanted, sequence=1, package_id=package.id)
        assert progress.committed

    def processor_s(self) -> Mapping[str, float]:
        """Return the processor time of the network's processes by kind, and of this one, in seconds."""
        spent: Counter[str] = Counter({"client": time.process_time()})
        bare = {daemon.name for daemon in self._bare}
        for daemon in [*self.native.daemons(), *self._bare]:
            kind = "bare" if daemon.name in bare else daemon.name.partition(".")[0].rstrip("0123456789")
            pid = daemon.pid
            assert pid is not None, f"{daemon.name} has ended"
            spent[kind] += processor_s(pid)
        return spent

    def close(self) -> None:
        for daemon in self._bare:
            daemon.stop()


@contextmanager
def running(directory: Path) -> Iterator[tuple[Bench, list[float]]]:
    """Generate the default network, bring it up three times, and give it with the seconds that each time took."""
    _run("generate", directory)
    taken = []
    try:
        for last in (False, False, True):
            before = time.perf_counter()
            _run("up", directory)
            taken.append(time.perf_counter() - before)
            if not last:
                _run("down", directory)
        bench = Bench(directory)
        try:
            yield bench, taken
        finally:
            bench.close()
    finally:
        _run("down", directory)


def _run(verb: str, directory: Path) -> None:
    subprocess.run(
        [COUNTERMARK, "network", verb, "--dir", directory],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
