"""The embedded ledger: a peer of our own with the chaincode servers of three organisations, for development."""

import sys
from collections.abc import Mapping
from pathlib import Path

from countermark.cli.up.data import CHAINCODE, CHANNEL, PLATFORM, SUPERVISOR, TRADER, DataFolder
from countermark.cli.up.founding import Parties
from countermark.cli.up.processes import ProcessSpec
from countermark.network.embedded.material import Material, generate
from countermark.network.ports import LOOPBACK

TIME_WINDOW_S = 5
"""Time window of the embedded peer, and the market's guard (protocol.md, "Time")."""

ORGANISATIONS: Mapping[str, str] = {"platform": PLATFORM, "supervisor": SUPERVISOR, "trader": TRADER}
"""MSP ids by the names of the organisations' files."""


class EmbeddedLedger:
    """The embedded ledger in one data folder."""

    kind = "embedded"
    market = f"{CHANNEL}/{CHAINCODE}"
    guard_s = TIME_WINDOW_S

    def __init__(self, data: DataFolder, ports: Mapping[str, int]) -> None:
        """``ports`` are those of the chaincode servers, by the organisations' names."""
        self._data = data
        self._addresses = {name: f"{LOOPBACK}:{ports[name]}" for name in ORGANISATIONS}

    @property
    def parties(self) -> Parties:
        """Platform, supervisor and one trading organisation."""
        return Parties()

    @property
    def genesis(self) -> Path:
        """File of the channel's genesis block."""
        return self._data.network / "genesis.block"

    @property
    def connections(self) -> Path:
        """Folder of the connection files, which the peer writes when it is ready."""
        return self._data.network / "connection"

    def processes(self) -> list[ProcessSpec]:
        """Return the peer and a chaincode server for each organisation, after making what they need.

        Raises:
            NetworkError: What there is of it is damaged.
        """
        addresses = {ORGANISATIONS[name]: address for name, address in self._addresses.items()}
        material = generate(
            self._data.network,
            channel=CHANNEL,
            chaincode=CHAINCODE,
            chaincode_addresses=addresses,
            time_window_ms=TIME_WINDOW_S * 1000,
        )
        chaincodes = [part for msp, address in addresses.items() for part in ("--chaincode", f"{msp}={address}")]
        arguments = ["--dir", str(self._data.network), *chaincodes]
        peer = self._python("peer", "network.embedded", "embedded peer ready", *arguments)
        return [*(self._chaincode(material, name) for name in ORGANISATIONS), peer]

    def ready(self) -> None:
        """Return at once: the peer answers for all organisations."""

    def gateways(self) -> list[Path]:
        """Return the platform's and the supervisor's connection files."""
        return [self.connections / f"{name}.json" for name in ("platform", "supervisor")]

    def _chaincode(self, material: Material, name: str) -> ProcessSpec:
        files = material.chaincode_files(name)
        return self._python(
            f"chaincode-{name}",
            "chaincode.server",
            "chaincode listening",
            *("--address", self._addresses[name], "--ccid", material.settings.package_id),
            *("--tls-cert", str(files.certificate), "--tls-key", str(files.key), "--client-ca", str(files.client_ca)),
        )

    def _python(self, name: str, module: str, ready: str, *arguments: str) -> ProcessSpec:
        command = [sys.executable, "-m", f"countermark.{module}", *arguments]
        return ProcessSpec(name, command, ready, self._data.logs / f"{name}.log")
