"""The folder from which a node of Fabric reads its own identity and its organisation's authorities."""

import json
from pathlib import Path

from countermark.network.identities import Organisation, Role
from countermark.network.identities.files import PRIVATE, PUBLIC
from countermark.network.nodes.writing import write_changed

_AUTHORITY = Path("cacerts") / "ca.pem"


def write(folder: Path, organisation: Organisation, member: str) -> None:
    """Write the MSP of the node that is `member` of `organisation` into `folder`, as far as it has changed."""
    identity = organisation.directory / "identities" / member
    for source, target, mode in (
        (organisation.directory / "ca" / "cert.pem", _AUTHORITY, PUBLIC),
        (organisation.tls_ca_file, Path("tlscacerts") / "ca.pem", PUBLIC),
        (identity / "cert.pem", Path("signcerts") / "cert.pem", PUBLIC),
        (identity / "key.pem", Path("keystore") / "key.pem", PRIVATE),
    ):
        write_changed(folder / target, source.read_bytes(), mode=mode)
    units = {
        f"{role.value.capitalize()}OUIdentifier": {
            "Certificate": str(_AUTHORITY),
            "OrganizationalUnitIdentifier": role.value,
        }
        for role in Role
    }
    # JSON is YAML.
    settings = json.dumps({"NodeOUs": {"Enable": True, **units}}, indent=2) + "\n"
    write_changed(folder / "config.yaml", settings.encode())
