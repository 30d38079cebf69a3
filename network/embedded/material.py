"""What an embedded peer needs before its first start: authorities, identities, certificates, the genesis block.

embedded.json                 settings
genesis.block                 the channel's configuration
organisations/<name>/         key material: identities `peer0`, `admin`, `gateway`; TLS `peer0`, `chaincode`
organisations/orderer/        the ordering service's organisation
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from countermark.network.embedded.errors import SettingsError
from countermark.network.embedded.ordering import Batching
from countermark.network.embedded.settings import Layout, OrganisationSettings, Settings, load, save
from countermark.network.genesis import (
    Batch,
    ChannelDefinition,
    Consenter,
    Endpoint,
    OrdererOrganisation,
    PeerOrganisation,
    genesis_block,
)
from countermark.network.identities import Organisation, Role
from countermark.network.identities.files import write_file
from countermark.network.lifecycle.definition import market_definition

PLATFORM: Final = "PlatformMSP"
SUPERVISOR: Final = "SupervisorMSP"
ORGANISATIONS: Final = (("platform", PLATFORM), ("supervisor", SUPERVISOR), ("trader", "TraderMSP"))
"""Organisations by default: name of their files, and MSP id."""

ORDERER: Final = "orderer"
_LOCAL: Final = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class ChaincodeFiles:
    """What the chaincode server of an organisation needs for its TLS."""

    certificate: Path
    key: Path
    client_ca: Path
    """The authority of the only client that it admits, the organisation's peer."""


@dataclass(frozen=True, slots=True)
class Material:
    """The folder of an embedded peer, ready for its process."""

    layout: Layout
    settings: Settings

    def organisation(self, name: str) -> Organisation:
        """Return the organisation whose files are named `name`.

        Raises:
            IdentityError: There is none.
        """
        return Organisation.load(self.layout.organisation(name))

    def chaincode_files(self, name: str) -> ChaincodeFiles:
        """Return the TLS files of the chaincode server of the organisation `name`."""
        folder = self.layout.organisation(name)
        tls = folder / "tls" / "chaincode"
        return ChaincodeFiles(tls / "cert.pem", tls / "key.pem", folder / "tlsca" / "cert.pem")


def generate(
    directory: Path,
    *,
    organisations: Sequence[tuple[str, str]] = ORGANISATIONS,
    channel: str = "market",
    chaincode: str = "countermark",
    version: str = "1.0",
    package_id: str = "countermark:1.0",
    chaincode_addresses: Mapping[str, str] | None = None,
    batching: Batching | None = None,
    time_window_ms: int = 5_000,
) -> Material:
    """Make the material in `directory`, or return what is there already: authorities are never made anew.

    Args:
        directory: The folder of the embedded peer.
        organisations: Name and MSP id of each; platform and supervisor must be among them.
        channel: Name of the channel.
        chaincode: Name of the chaincode on the channel.
        version: Its version.
        package_id: Id as which its servers register.
        chaincode_addresses: host:port of the chaincode servers by MSP id, where known already.
        batching: When blocks are cut.
        time_window_ms: How far timestamps may be from the peer's clock.

    Raises:
        SettingsError: Platform or supervisor are missing, or there are damaged settings in the folder.
        IdentityError: Material that an interrupted call has left behind is damaged.
    """
    layout = Layout(directory)
    if layout.settings_file.exists():
        return Material(layout, load(layout.settings_file))
    msp_ids = [msp_id for _, msp_id in organisations]
    if not {PLATFORM, SUPERVISOR} <= set(msp_ids):
        raise SettingsError("missing_organisation", f"{PLATFORM} and {SUPERVISOR} must be among the organisations")
    addresses = chaincode_addresses or {}
    settings = Settings(
        channel=channel,
        definition=market_definition(chaincode, version, msp_ids, platform=PLATFORM, supervisor=SUPERVISOR),
        package_id=package_id,
        organisations=tuple(
            OrganisationSettings(name, msp_id, addresses.get(msp_id, "")) for name, msp_id in organisations
        ),
        batching=batching or Batching(),
        time_window_ms=time_window_ms,
    )
    peers = [_peer_organisation(layout, name, msp_id) for name, msp_id in organisations]
    write_file(layout.genesis_file, _genesis(layout, settings, peers))
    save(settings, layout.settings_file)
    return Material(layout, settings)


def _peer_organisation(layout: Layout, name: str, msp_id: str) -> Organisation:
    organisation = _organisation(layout, name, msp_id)
    organisation.issue("peer0", Role.PEER)
    organisation.issue("admin", Role.ADMIN)
    organisation.issue("gateway", Role.CLIENT)
    for endpoint in ("peer0", "chaincode"):
        organisation.issue_tls(endpoint, [f"{endpoint}.{organisation.domain}", *_LOCAL])
    return organisation


def _organisation(layout: Layout, name: str, msp_id: str) -> Organisation:
    folder = layout.organisation(name)
    if (folder / "organisation.json").exists():
        return Organisation.load(folder)
    return Organisation.create(folder, msp_id, f"{name}.example")


def _genesis(layout: Layout, settings: Settings, peers: Sequence[Organisation]) -> bytes:
    orderer = _organisation(layout, ORDERER, "OrdererMSP")
    orderer.issue("orderer0", Role.ORDERER)
    certificate = orderer.issue_tls("orderer0", ["orderer0.orderer.example"]).certificate_file.read_bytes()
    # Nobody dials the embedded orderer; the configuration of a channel must name one.
    endpoint = Endpoint("orderer0.orderer.example", 7050)
    batching = settings.batching
    definition = ChannelDefinition(
        channel=settings.channel,
        organisations=tuple(PeerOrganisation(peer.msp) for peer in peers),
        orderers=(OrdererOrganisation(orderer.msp, (endpoint,)),),
        consenters=(Consenter(endpoint, certificate, certificate),),
        batch=Batch(batching.window_ms, batching.max_messages, preferred_max_bytes=batching.max_bytes),
    )
    return genesis_block(definition, now_ms=time.time_ns() // 1_000_000)
