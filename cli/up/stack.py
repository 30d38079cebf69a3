"""The processes of `countermark up` and the order in which they start: ledger and database, gateway, worker."""

import contextlib
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from countermark.cli.up.data import CHAINCODE, CHANNEL, MARKET, SUPERVISOR, TRADER, DataFolder
from countermark.cli.up.founding import found_market
from countermark.cli.up.ports import kept_ports
from countermark.cli.up.processes import ProcessGroup, ProcessSpec
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import private_folder, write_private
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.embedded.material import Material, generate
from countermark.network.identities.authorities import CertificateAuthority
from countermark.network.identities.files import write_file
from countermark.network.ports import LOOPBACK

TIME_WINDOW_S = 5
"""Time window of the embedded peer, and the market's guard (protocol.md, "Time")."""

THREADS = 16
"""Requests that the gateway serves at once."""

ACCOUNT_WRITES = 60_000
"""Changes that an account may ask for in a minute: on a ledger for development it may be a test that asks."""

_ORGANISATIONS = ("platform", "supervisor", "trader")
# Each process does one thing; more threads than cores only cost time on a small machine.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Stack:
    """The whole platform of one data folder. Use it from the main thread, as `ProcessGroup`."""

    def __init__(
        self, data: DataFolder, *, port: int, report: Callable[[str], None], webhooks_allow: Sequence[str] = ()
    ) -> None:
        """``port`` 0 takes a free one at the first start and keeps it; ``webhooks_allow`` is for the gateway."""
        self._data = data
        self._webhooks_allow = list(webhooks_allow)
        self._processes = ProcessGroup({**os.environ, **_ENVIRONMENT}, report)
        self._ports = kept_ports(data.path / "ports.json", (*_ORGANISATIONS, "gateway"))
        if port:
            self._ports["gateway"] = port

    @property
    def url(self) -> str:
        """The gateway's URL."""
        return f"https://{LOOPBACK}:{self._ports['gateway']}"

    def start(self) -> None:
        """Start everything and publish connection files and `gateway.json` when all of it answers.

        Raises:
            ProcessError: a process could not be started.
        """
        addresses = {
            "PlatformMSP": f"{LOOPBACK}:{self._ports['platform']}",
            SUPERVISOR: f"{LOOPBACK}:{self._ports['supervisor']}",
            TRADER: f"{LOOPBACK}:{self._ports['trader']}",
        }
        material = generate(
            self._data.network,
            channel=CHANNEL,
            chaincode=CHAINCODE,
            chaincode_addresses=addresses,
            time_window_ms=TIME_WINDOW_S * 1000,
        )
        self._processes.start(
            *(self._chaincode(material, name) for name in _ORGANISATIONS), self._peer(addresses), *self._database()
        )
        self._found_market()
        self._configure_gateway()
        self._processes.start(self._gateway(), self._worker())
        self._publish()

    def revive(self) -> None:
        """Start again what has died."""
        self._processes.revive()

    def stop(self) -> None:
        """Withdraw the published files and end all processes."""
        self._data.gateway_file.unlink(missing_ok=True)
        shutil.rmtree(self._data.connections, ignore_errors=True)
        self._processes.stop()

    def _python(self, name: str, module: str, ready: str, *arguments: str) -> ProcessSpec:
        command = [sys.executable, "-m", f"countermark.{module}", *arguments]
        return ProcessSpec(name, command, ready, self._data.logs / f"{name}.log")

    def _chaincode(self, material: Material, name: str) -> ProcessSpec:
        files = material.chaincode_files(name)
        return self._python(
            f"chaincode-{name}",
            "chaincode.server",
            "chaincode listening",
            *("--address", f"{LOOPBACK}:{self._ports[name]}", "--ccid", material.settings.package_id),
            *("--tls-cert", str(files.certificate), "--tls-key", str(files.key), "--client-ca", str(files.client_ca)),
        )

    def _peer(self, addresses: dict[str, str]) -> ProcessSpec:
        chaincodes = [part for msp, address in addresses.items() for part in ("--chaincode", f"{msp}={address}")]
        arguments = ("--dir", str(self._data.network), *chaincodes)
        return self._python("peer", "network.embedded", "embedded peer ready", *arguments)

    def _database(self) -> list[ProcessSpec]:
        if os.environ.get("DATABASE_URL"):
            return []
        arguments = ("--data", str(self._data.postgres), "--url-file", str(self._url_file))
        return [self._python("database", "gateway.database", "database ready", *arguments)]

    @property
    def _url_file(self) -> Path:
        return self._data.path / "database-url"

    def _gateway(self) -> ProcessSpec:
        return self._python("gateway", "gateway.server", "gateway ready", "--config", str(self._data.gateway_config))

    def _worker(self) -> ProcessSpec:
        return self._python("worker", "gateway.worker", "worker ready", "--config", str(self._data.gateway_config))

    def _profile(self, organisation: str) -> Path:
        return self._data.network / "connection" / f"{organisation}.json"

    def _found_market(self) -> None:
        client = GatewayClient(ConnectionProfile.load(self._profile("platform")))
        with contextlib.closing(client):
            found_market(client, self._data, guard_s=TIME_WINDOW_S)

    def _configure_gateway(self) -> None:
        folder = private_folder(self._data.gateway)
        certificate, key = folder / "tls-cert.pem", folder / "tls-key.pem"
        if not certificate.exists():
            authority = CertificateAuthority.create("tlsca", "gateway.example")
            pair = authority.issue_tls("gateway", ["localhost", LOOPBACK])
            write_private(key, pair.key_pem)
            write_private(self._data.gateway_ca, authority.pair.certificate_pem)
            self._data.gateway_ca.chmod(0o644)
            write_private(certificate, pair.certificate_pem)
        document = {
            "market": MARKET,
            # The platform's own peer first. The supervisor's may see whatever the platform hands to a gateway, even
            # openings of listings. The traders' may not, and has no part in the platform's business.
            "connections": [str(self._profile(name)) for name in ("platform", "supervisor")],
            "database_url": os.environ.get("DATABASE_URL") or self._url_file.read_text().strip(),
            "objects": os.environ.get("OBJECTS_URL") or str(private_folder(self._data.objects)),
            "spool": str(private_folder(self._data.spool)),
            "keys_file": str(folder / "keys.json"),
            "host": LOOPBACK,
            "port": self._ports["gateway"],
            "tls_cert_file": str(certificate),
            "tls_key_file": str(key),
            "faucet": True,
            "threads": THREADS,
            "limits": {"account": ACCOUNT_WRITES},
            "webhooks_allow": self._webhooks_allow,
        }
        write_private(self._data.gateway_config, json.dumps(document, indent=1).encode())

    def _publish(self) -> None:
        fresh = self._data.path / ".connection.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(self._data.network / "connection", fresh)
        shutil.rmtree(self._data.connections, ignore_errors=True)
        fresh.rename(self._data.connections)
        write_file(self._data.genesis_file, (self._data.network / "genesis.block").read_bytes())
        write_private(self._data.gateway_file, json.dumps({"url": self.url}).encode())


@contextlib.contextmanager
def exclusive(data: DataFolder) -> Iterator[None]:
    """Hold the data folder for this process.

    Raises:
        ClientError: another process holds it.
    """
    private_folder(data.path)
    with (data.path / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClientError(REFUSED_HERE, f"another `countermark up` runs on {data.path}") from None
        yield
