"""The processes of `countermark up` and the order in which they start: ledger and database, gateway, worker."""

import contextlib
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator

from countermark.cli.up.data import DataFolder
from countermark.cli.up.gateways import Gateway
from countermark.cli.up.ledgers import Ledger
from countermark.cli.up.processes import ProcessGroup, ProcessSpec
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import private_folder, write_private
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.identities.authorities import CertificateAuthority
from countermark.network.identities.files import write_file
from countermark.network.ports import LOOPBACK

THREADS = 16
"""Requests that the gateway serves at once."""

ACCOUNT_WRITES = 60_000
"""Changes that an account may ask for in a minute: on a ledger for development it may be a test that asks."""

# Each process does one thing; more threads than cores only cost time on a small machine.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Stack:
    """The platform of one data folder, or a member's gateway. Use it from the main thread, as `ProcessGroup`."""

    def __init__(
        self,
        data: DataFolder,
        ledger: Ledger,
        *,
        gateway: Gateway,
        port: int,
        metrics_port: int,
        report: Callable[[str], None],
    ) -> None:
        """Take over how to run it.

        Args:
            data: Where everything is stored.
            ledger: What it stands on.
            gateway: Whose gateway stands before it.
            port: The gateway's.
            metrics_port: Where the worker shows its figures.
            report: Is told what happens.
        """
        self._data = data
        self._ledger = ledger
        self._own = gateway
        self._port = port
        self._metrics_port = metrics_port
        self._processes = ProcessGroup({**os.environ, **_ENVIRONMENT}, report)

    @property
    def url(self) -> str:
        """The gateway's URL."""
        return f"https://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start everything and publish connection files and `gateway.json` when all of it answers.

        Raises:
            ProcessError: a process could not be started.
            NetworkError: the ledger is not there.
            LedgerError: the ledger does not answer, or refuses.
        """
        self._processes.start(*self._ledger.processes(), *self._database())
        self._ledger.ready()
        self._prepare()
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

    def _database(self) -> list[ProcessSpec]:
        if os.environ.get("DATABASE_URL"):
            return []
        arguments = ("--data", str(self._data.postgres), "--url-file", str(self._data.database_url_file))
        return [self._python("database", "gateway.database", "database ready", *arguments)]

    def _gateway(self) -> ProcessSpec:
        return self._python("gateway", "gateway.server", "gateway ready", "--config", str(self._data.gateway_config))

    def _worker(self) -> ProcessSpec:
        return self._python("worker", "gateway.worker", "worker ready", "--config", str(self._data.gateway_config))

    def _prepare(self) -> None:
        client = GatewayClient(ConnectionProfile.load(self._ledger.gateways()[0]))
        with contextlib.closing(client):
            self._own.prepare(client)

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
            "market": self._ledger.market,
            "connections": [str(path) for path in self._ledger.gateways()],
            "database_url": os.environ.get("DATABASE_URL") or self._data.database_url_file.read_text().strip(),
            "keys_file": str(folder / "keys.json"),
            "host": LOOPBACK,
            "port": self._port,
            "tls_cert_file": str(certificate),
            "tls_key_file": str(key),
            "threads": THREADS,
            "limits": {"account": ACCOUNT_WRITES},
            "metrics": f"{LOOPBACK}:{self._metrics_port}",
            **self._own.settings(),
        }
        write_private(self._data.gateway_config, json.dumps(document, indent=1).encode())

    def _publish(self) -> None:
        fresh = self._data.path / ".connection.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(self._ledger.connections, fresh)
        shutil.rmtree(self._data.connections, ignore_errors=True)
        fresh.rename(self._data.connections)
        write_file(self._data.genesis_file, self._ledger.genesis.read_bytes())
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
