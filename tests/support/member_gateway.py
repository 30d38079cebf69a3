"""A member organisation's gateway and worker as processes, beside a platform that `countermark up` runs."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countermark.network.identities.authorities import CertificateAuthority
from countermark.network.ports import free_ports
from countermark.protocol.encoding import b64u
from tests.support.processes import Process
from tests.support.whole_platform import Platform


@dataclass
class MemberGateway:
    """The gateway of `organisation`, on a database of its own; its files lie in `folder`."""

    platform: Platform
    folder: Path
    database_url: str
    organisation: str = "trader"
    url: str = ""
    platform_url: str = ""
    """Where it reaches the platform, if not directly."""
    processes: list[Process] = field(default_factory=list, repr=False)

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def gateway_file(self) -> Path:
        return self.folder / "gateway.json"

    @property
    def config_file(self) -> Path:
        return self.folder / "config.json"

    def start(self) -> None:
        if not self.config_file.exists():
            self._configure()
        for module, ready in (("gateway.server", "gateway ready at"), ("gateway.worker", "worker ready")):
            command = [sys.executable, "-m", f"countermark.{module}", "--config", str(self.config_file)]
            self.processes.append(Process(command))
            self.processes[-1].wait_line(ready)

    def stop(self) -> Sequence[int]:
        return [self.processes.pop().end() for _ in list(self.processes)]

    def said(self) -> str:
        """What its processes have logged."""
        return "".join(line for process in self.processes for line in process.lines)

    def _configure(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (port,) = free_ports(1)
        self.url = f"https://127.0.0.1:{port}"
        authority = CertificateAuthority.create("tlsca", "member.example")
        pair = authority.issue_tls("gateway", ["localhost", "127.0.0.1"])
        self.ca_file.write_bytes(authority.pair.certificate_pem)
        self._write("cert.pem", pair.certificate_pem)
        self._write("key.pem", pair.key_pem)
        self._write("keys.json", json.dumps({"table": b64u(os.urandom(32))}).encode())
        self.gateway_file.write_text(json.dumps({"url": self.url}))
        (self.folder / "gateway-ca.pem").write_bytes(self.ca_file.read_bytes())
        self._write("config.json", json.dumps(self._document(port)).encode())

    def _document(self, port: int) -> dict[str, Any]:
        return {
            "market": "market/countermark",
            "connections": [str(self.platform.data / "connection" / f"{self.organisation}.json")],
            "database_url": self.database_url,
            "keys_file": str(self.folder / "keys.json"),
            "host": "127.0.0.1",
            "port": port,
            "tls_cert_file": str(self.folder / "cert.pem"),
            "tls_key_file": str(self.folder / "key.pem"),
            "threads": 8,
            "platform": {"url": self.platform_url or self.platform.url, "ca_file": str(self.platform.ca_file)},
        }

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.touch(0o600)
        path.write_bytes(data)
