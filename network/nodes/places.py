"""Where a node finds its files: by the paths that hold for its process, here or in a container."""

from dataclasses import dataclass
from pathlib import Path

from countermark.network.nodes.folder import NetworkFolder


@dataclass(frozen=True, slots=True)
class Places:
    """Paths as the node's process sees them."""

    msp: str
    tls_certificate: str
    tls_key: str
    tls_ca: str
    data: str
    """The ledger and whatever else the node writes."""
    builder: str
    """The external builder for chaincode; of a peer only."""
    listen: str
    """Address to listen on."""


def native(folder: NetworkFolder, organisation: str, node: str, host: str) -> Places:
    """Return the places of a node that runs as a process of this machine; it listens where it is reached."""
    material = folder.organisation_path(organisation)
    tls = material / "tls" / node.removesuffix(f".{organisation}")
    here = folder.node(node)
    return Places(
        msp=_text(here / "msp"),
        tls_certificate=_text(tls / "cert.pem"),
        tls_key=_text(tls / "key.pem"),
        tls_ca=_text(material / "tlsca" / "cert.pem"),
        data=_text(here / "data"),
        builder=_text(folder.builder),
        listen=host,
    )


def _text(path: Path) -> str:
    return str(path.absolute())
