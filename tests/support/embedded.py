"""An embedded peer with its chaincode servers, as processes of their own, for tests."""

import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.embedded.material import Material, generate
from countermark.network.embedded.ordering import Batching
from tests.support.processes import Process

TINY = Path(__file__).with_name("tiny_chaincode.py")


class EmbeddedNetwork:
    """An embedded peer in `directory` and a chaincode server per organisation; `liars` run one that lies.

    `environment` is added to that of the peer's process.
    """

    def __init__(
        self,
        directory: Path,
        *,
        liars: Sequence[str] = (),
        batching: Batching | None = None,
        script: Path = TINY,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.material: Material = generate(directory, batching=batching)
        self._liars = liars
        self._script = script
        self._environment = environment
        self._stack = ExitStack()
        self.chaincodes: dict[str, Process] = {}
        self.package_ids: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.peer: Process | None = None

    def start(self, *, chaincode_wait: float = 10.0) -> "EmbeddedNetwork":
        for organisation in self.material.settings.organisations:
            self.start_chaincode(organisation.name, organisation.msp_id)
        for organisation in self.material.settings.organisations:
            line = self.chaincodes[organisation.msp_id].wait_line(r"chaincode listening on ([^\s\"]+)")
            self.addresses[organisation.msp_id] = line.group(1)
        self.start_peer(chaincode_wait=chaincode_wait)
        return self

    def start_chaincode(self, name: str, msp_id: str, script: Path | None = None) -> None:
        files = self.material.chaincode_files(name)
        self.chaincodes[msp_id] = Process(
            [
                *(sys.executable, str(script or self._script)),
                *("--address", self.addresses.get(msp_id, "127.0.0.1:0")),
                *("--ccid", self.package_ids.get(msp_id, self.material.settings.package_id)),
                *("--tls-cert", str(files.certificate)),
                *("--tls-key", str(files.key)),
                *("--client-ca", str(files.client_ca)),
            ],
            {"TINY_LIES": "1"} if msp_id in self._liars else None,
        )

    @contextmanager
    def replaced_chaincode(self, msp_id: str, script: Path) -> Iterator[None]:
        """For as long as the context lasts, an organisation runs `script` instead of the contracts of all others."""
        try:
            self._restart_chaincode(msp_id, script)
            yield
        finally:
            self._restart_chaincode(msp_id, self._script)

    def start_peer(self, *, chaincode_wait: float = 10.0, until: str = "^embedded peer ready$") -> Process:
        chaincodes = [f"--chaincode={msp_id}={address}" for msp_id, address in self.addresses.items()]
        self.peer = Process(
            [
                *(sys.executable, "-m", "countermark.network.embedded"),
                *("--dir", str(self.directory)),
                *("--chaincode-wait", str(chaincode_wait)),
                *("--log-level", "info"),
                *chaincodes,
            ],
            self._environment,
        )
        self.peer.wait_line(until)
        return self.peer

    def _restart_chaincode(self, msp_id: str, script: Path) -> None:
        assert self.peer is not None
        name = next(one.name for one in self.material.settings.organisations if one.msp_id == msp_id)
        ready = f"chaincode of {msp_id} .* is ready"
        before = sum(re.search(ready, line) is not None for line in self.peer.lines)
        self.chaincodes[msp_id].end()
        self.start_chaincode(name, msp_id, script)
        self.chaincodes[msp_id].wait_line("chaincode listening on")
        self.peer.wait_count(ready, before + 1)

    def kill_peer(self) -> None:
        assert self.peer is not None
        self.peer.end(signal.SIGKILL)

    def profile(self, name: str) -> ConnectionProfile:
        return ConnectionProfile.load(self.directory / "connection" / f"{name}.json")

    def client(self, name: str, *others: str) -> GatewayClient:
        """Return a client of an organisation, which also asks gateways of `others`; closed with the network."""
        client = GatewayClient(*map(self.profile, (name, *others)))
        self._stack.callback(client.close)
        return client

    def close(self) -> None:
        self._stack.close()
        for process in (self.peer, *self.chaincodes.values()):
            if process is not None:
                process.end()


@contextmanager
def embedded_network(
    directory: Path, *, liars: Sequence[str] = (), batching: Batching | None = None
) -> Iterator[EmbeddedNetwork]:
    network = EmbeddedNetwork(directory, liars=liars, batching=batching)
    try:
        yield network.start()
    finally:
        network.close()
