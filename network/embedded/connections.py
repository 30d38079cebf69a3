"""Connection profiles: one JSON file per organisation, there as long as the endpoints answer."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from countermark.network.client.profile import ConnectionProfile
from countermark.network.identities import Organisation


def profile(organisation: Organisation, *, channel: str, chaincode: str, gateway: str) -> ConnectionProfile:
    """Return the profile of the organisation's client `gateway`, with absolute file names."""
    directory = organisation.directory.resolve()
    client = directory / "identities" / "gateway"
    return ConnectionProfile(
        msp_id=organisation.msp_id,
        channel=channel,
        chaincode=chaincode,
        gateway=gateway,
        host_override=f"peer0.{organisation.domain}",
        tls_ca_file=directory / "tlsca" / "cert.pem",
        cert_file=client / "cert.pem",
        key_file=client / "key.pem",
    )


def publish(folder: Path, profiles: Sequence[tuple[str, ConnectionProfile]]) -> None:
    """Put the profiles, each with the name of its file, into `folder`, which appears whole."""
    temporary = folder.with_name(f".{folder.name}.new")
    withdraw(temporary)
    temporary.mkdir(parents=True)
    for name, one in profiles:
        (temporary / f"{name}.json").write_text(one.dumps())
    withdraw(folder)
    temporary.rename(folder)


def withdraw(folder: Path) -> None:
    """Take `folder` away, all at once for whoever looks."""
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        shutil.rmtree(old)
