"""Connection profiles: one JSON file per organisation, there as long as the endpoints answer."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from countermark.network.identities import Organisation


@dataclass(frozen=True, slots=True)
class Profile:
    """How a client of an organisation reaches its gateway, in the shape that all our programs read."""

    msp_id: str
    channel: str
    chaincode: str
    gateway: str
    """host:port."""
    host_override: str
    """Name in the endpoint's certificate."""
    tls_ca_file: str
    cert_file: str
    key_file: str


def profile(organisation: Organisation, *, channel: str, chaincode: str, gateway: str) -> Profile:
    """Return the profile of the organisation's client `gateway`, with absolute file names."""
    directory = organisation.directory.resolve()
    client = directory / "identities" / "gateway"
    return Profile(
        msp_id=organisation.msp_id,
        channel=channel,
        chaincode=chaincode,
        gateway=gateway,
        host_override=f"peer0.{organisation.domain}",
        tls_ca_file=str(directory / "tlsca" / "cert.pem"),
        cert_file=str(client / "cert.pem"),
        key_file=str(client / "key.pem"),
    )


def publish(folder: Path, profiles: Sequence[tuple[str, Profile]]) -> None:
    """Put the profiles, each with the name of its file, into `folder`, which appears whole."""
    temporary = folder.with_name(f".{folder.name}.new")
    withdraw(temporary)
    temporary.mkdir(parents=True)
    for name, one in profiles:
        (temporary / f"{name}.json").write_text(json.dumps(asdict(one), indent=2) + "\n")
    withdraw(folder)
    temporary.rename(folder)


def withdraw(folder: Path) -> None:
    """Take `folder` away, all at once for whoever looks."""
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        shutil.rmtree(old)
