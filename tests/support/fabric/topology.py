"""Who takes part in the network and where: organisations with their key material, nodes with their ports."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from countermark.cli.up.ports import free_ports
from countermark.network.embedded.material import ORGANISATIONS
from countermark.network.genesis import Endpoint
from countermark.network.identities import Material, Organisation, Role

LOOPBACK = "127.0.0.1"
ORDERER_MSP = "OrdererMSP"
NAMES = {msp_id: name for name, msp_id in ORGANISATIONS}
"""Names of the organisations that run peers, by MSP id."""

_SANS = ["localhost", LOOPBACK]


@dataclass(frozen=True)
class Node:
    """One peer or orderer: its organisation, certificates, folder, and ports by what they serve."""

    name: str
    organisation: Organisation
    identity: Material
    tls: Material
    folder: Path
    ports: Mapping[str, int]

    def address(self, service: str) -> str:
        """Return host:port of a service."""
        return f"{LOOPBACK}:{self.ports[service]}"

    def endpoint(self, service: str) -> Endpoint:
        return Endpoint(LOOPBACK, self.ports[service])


@dataclass(frozen=True)
class Topology:
    """One orderer, and one peer per organisation, by MSP id."""

    directory: Path
    orderer: Node
    peers: Mapping[str, Node]


def create(directory: Path) -> Topology:
    """Make the key material of all organisations below `directory` and choose free ports."""
    folder = directory / "organisations"
    ports = iter(free_ports(3 * (1 + len(NAMES))))  # of all nodes at once, so that no two get the same
    ordering = Organisation.create(folder / "orderer", ORDERER_MSP, "orderer.example")
    orderer = Node(
        "orderer0",
        ordering,
        ordering.issue("orderer0", Role.ORDERER),
        ordering.issue_tls("orderer0", _SANS),
        directory / "orderer0",
        dict(zip(("general", "admin", "operations"), ports, strict=False)),
    )
    peers = {}
    for msp_id, name in NAMES.items():
        organisation = Organisation.create(folder / name, msp_id, f"{name}.example")
        organisation.issue("admin", Role.ADMIN)
        organisation.issue("gateway", Role.CLIENT)
        organisation.issue_tls("chaincode", _SANS)
        peers[msp_id] = Node(
            f"peer0.{name}",
            organisation,
            organisation.issue("peer0", Role.PEER),
            organisation.issue_tls("peer0", _SANS),
            directory / f"peer0.{name}",
            dict(zip(("peer", "chaincode", "operations"), ports, strict=False)),
        )
    return Topology(directory, orderer, peers)


def clean_environment() -> dict[str, str]:
    """Return the tests' environment as variables that a node must not inherit: set empty, viper takes no notice."""
    return {name: "" for name in os.environ if name.startswith(("CORE_", "ORDERER_"))}


def write_yaml(path: Path, settings: Mapping[str, object]) -> None:
    """Write `settings` as JSON, which is YAML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=2))
