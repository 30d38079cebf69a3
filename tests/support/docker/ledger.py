"""The embedded peer and its chaincode servers as containers: a ledger where no image of Fabric is."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path

from countermark.network.client import ConnectionProfile
from countermark.network.embedded import endpoints
from countermark.network.embedded.material import Material, generate
from countermark.network.embedded.settings import save
from countermark.network.nodes.owner import Owner
from tests.support.docker.engine import docker
from tests.support.docker.images import Images

PORTS = {"PlatformMSP": 7051, "SupervisorMSP": 8051, "TraderMSP": 9051}
CHAINCODE_PORT = 9998
TIME_WINDOW_S = 60
"""The containers of a busy machine take their time."""

_INSIDE = "/ledger"


class Ledger:
    """A network of the engine named `name`, and in it a peer and a chaincode server for each organisation."""

    def __init__(self, folder: Path, name: str, images: Images) -> None:
        self.name = name
        self.folder = folder
        self._images = images
        self._owner = Owner.usual()
        self._stack = ExitStack()
        self.material = self._made()

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.material.settings.organisations]

    def chaincode(self, organisation: str) -> str:
        """Name of the container of an organisation's chaincode server."""
        return f"{self.name}-chaincode-{organisation}"

    def start(self) -> None:
        """Start all containers; `docker inspect` says when those of the chaincode are healthy."""
        docker("network", "create", self.name)
        self._stack.callback(docker, "network", "rm", self.name)
        for organisation in self.names:
            tls = f"{_INSIDE}/organisations/{organisation}"
            self._run(
                self.chaincode(organisation),
                "chaincode",
                *("--network-alias", f"chaincode.{organisation}.example"),
                *("--env", f"CHAINCODE_ID={self.material.settings.package_id}"),
                *("--env", f"CHAINCODE_TLS_CERT={tls}/tls/chaincode/cert.pem"),
                *("--env", f"CHAINCODE_TLS_KEY={tls}/tls/chaincode/key.pem"),
                *("--env", f"CHAINCODE_CLIENT_CA={tls}/tlsca/cert.pem"),
                *("--volume", f"{self.folder}:{_INSIDE}:ro"),
            )
        aliases = [word for one in self.names for word in ("--network-alias", f"peer0.{one}.example")]
        self._run(
            f"{self.name}-peer",
            "gateway",
            *aliases,
            *("--publish", f"127.0.0.1::{PORTS['PlatformMSP']}"),
            *("--volume", f"{self.folder}:{_INSIDE}"),
            *("--no-healthcheck", "--entrypoint", "python"),
            command=("-m", "countermark.network.embedded", "--dir", _INSIDE),
        )

    def connection(self, file: Path, msp_id: str, *, from_host: bool = False) -> Path:
        """Write to `file` how an organisation's peer is reached, by other containers or from this machine."""
        organisation = next(one for one in self.material.settings.organisations if one.msp_id == msp_id)
        folder = self.folder / "organisations" / organisation.name
        address = f"peer0.{organisation.name}.example:{PORTS[msp_id]}"
        if from_host:
            address = docker("port", f"{self.name}-peer", str(PORTS[msp_id])).splitlines()[0]
        profile = ConnectionProfile(
            msp_id=msp_id,
            channel=self.material.settings.channel,
            chaincode=self.material.settings.definition.name,
            gateway=address,
            host_override="",
            tls_ca_file=folder / "tlsca" / "cert.pem",
            cert_file=folder / "identities" / "gateway" / "cert.pem",
            key_file=folder / "identities" / "gateway" / "key.pem",
        )
        file.write_text(profile.dumps())
        return file

    def close(self) -> None:
        """Remove containers and network."""
        self._stack.close()

    def _made(self) -> Material:
        made = generate(
            self.folder,
            chaincode_addresses={
                msp_id: f"chaincode.{msp_id.removesuffix('MSP').lower()}.example:{CHAINCODE_PORT}" for msp_id in PORTS
            },
            time_window_ms=TIME_WINDOW_S * 1000,
        )
        everywhere = dataclasses.replace(made.settings, host="0.0.0.0")  # noqa: S104 - within its container
        save(everywhere, made.layout.settings_file)
        endpoints.save_ports(made.layout.ports_file, PORTS)
        self._owner.take_all(self.folder)
        return made

    def _run(self, name: str, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
        docker(
            *("run", "--detach", "--name", name, "--network", self.name, "--init", "--read-only"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--tmpfs", "/tmp"),  # noqa: S108
            *("--user", f"{self._owner.uid}:{self._owner.gid}", *options, self._images.tag(image), *command),
        )
        self._stack.callback(docker, "rm", "--force", "--volumes", name)
