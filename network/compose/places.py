"""Where a node finds its files in its container: everything of it is in one folder, which is mounted there."""

from typing import Final

from countermark.network.nodes.places import Places

CONFIGURATION: Final = "/etc/hyperledger/fabric"
"""Folder of a node, as Fabric's images look for it (FABRIC_CFG_PATH)."""

DATA: Final = "/var/hyperledger"
BUILDER: Final = "/etc/hyperledger/builder"
ANYWHERE: Final = "0.0.0.0"  # noqa: S104 - within a container; the compose file says what is published

PLACES: Final = Places(
    msp=f"{CONFIGURATION}/msp",
    tls_certificate=f"{CONFIGURATION}/tls/cert.pem",
    tls_key=f"{CONFIGURATION}/tls/key.pem",
    tls_ca=f"{CONFIGURATION}/tls/ca.pem",
    data=DATA,
    builder=BUILDER,
    listen=ANYWHERE,
)
