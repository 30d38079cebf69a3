"""The folder from which a node of Fabric reads its own identity and its organisation's authorities."""

import shutil
from pathlib import Path

from countermark.network.identities import Role
from tests.support.fabric.topology import Node, write_yaml

_AUTHORITY = Path("cacerts") / "ca.pem"


def write(node: Node) -> Path:
    """Make the folder of `node` and return it."""
    folder = node.folder / "msp"
    organisation = node.organisation
    for source, target in {
        organisation.directory / "ca" / "cert.pem": _AUTHORITY,
        organisation.tls_ca_file: Path("tlscacerts") / "ca.pem",
        node.identity.certificate_file: Path("signcerts") / "cert.pem",
        node.identity.key_file: Path("keystore") / "key.pem",
    }.items():
        (folder / target).parent.mkdir(parents=True)
        shutil.copy(source, folder / target)
    units = {
        f"{role.value.capitalize()}OUIdentifier": {
            "Certificate": str(_AUTHORITY),
            "OrganizationalUnitIdentifier": role.value,
        }
        for role in Role
    }
    write_yaml(folder / "config.yaml", {"NodeOUs": {"Enable": True, **units}})
    return folder
