"""The platform's parts, wired together for one process: what gateway and worker have in common.

Nothing is connected here: database and ledger are first reached when they are needed, in whatever process that is.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from countermark.gateway import keys as platform_keys
from countermark.gateway.bell import Bell
from countermark.gateway.config import Config
from countermark.gateway.keys import PlatformKeys
from countermark.gateway.ledger import FabricLedger
from countermark.gateway.limits import AddressLimit, Limits
from countermark.gateway.metrics import Metrics, certificates
from countermark.gateway.metrics.calls import MeteredLedger
from countermark.gateway.metrics.standing import Standing
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.platform.board.log import Board
from countermark.platform.board.submission import Notices
from countermark.platform.contracts.catalogue import Catalogue
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.contracts.registration import Registration
from countermark.platform.disputes.openings import Openings
from countermark.platform.matching.gate import Gate
from countermark.platform.matching.index import FingerprintIndex
from countermark.platform.matching.search import SampleSearch
from countermark.platform.ports import Block, Ledger, ObjectStore
from countermark.platform.relay.release import PackageRelease
from countermark.platform.relay.upload import PackageUpload
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import open_store
from countermark.platform.store.outbox import Outbox, Submitter
from countermark.platform.store.secrets import SecretBox
from countermark.platform.webhooks.addresses import AddressPolicy, Network
from countermark.platform.webhooks.hooks import Webhooks
from countermark.protocol.errors import ErrorCode, MarketError

ANCHORED_WITHIN_MS = 600_000
"""What a receipt promises: its entry's anchor stands on the ledger within ten minutes."""

_SPARE_CONNECTIONS = 4


class Chain(Ledger, Protocol):
    """A ledger that delivers its blocks too, and knows how many there are."""

    def blocks(self, start: int, *, stop: int | None = None) -> Iterator[Block]:
        """See `ports.BlockSource`."""
        ...

    def height(self, *, timeout_s: float = 2.0) -> int:
        """Return how many blocks are committed.

        Raises:
            UnavailableError: nobody said in time.
        """
        ...

    def dated_ms(self, number: int, *, timeout_s: float = 2.0) -> int | None:
        """Return when the oldest valid transaction of block ``number`` was dated, in ms since the epoch.

        None where the block has no valid one: nobody misses anything of it.

        Raises:
            UnavailableError: nobody said in time.
        """
        ...

    def checks_time(self, *, timeout_s: float = 2.0) -> bool:
        """Return whether the peers hold transaction timestamps to a time window.

        Raises:
            UnavailableError: nobody said in time.
        """
        ...

    def accepts_time(self, *, timeout_s: float = 2.0) -> bool:
        """Return whether the peers take what is dated by this machine's clock.

        Raises:
            UnavailableError: nobody said in time.
        """
        ...

    def close(self) -> None:
        """End what is under way."""
        ...


@dataclass(frozen=True)
class Site:
    """What distinguishes this gateway from others."""

    market: str
    """Channel/chaincode."""
    hosts: frozenset[str]
    """Host names that its certificate holds for; requests signed for others are refused."""
    spool: Path
    """Folder for pieces of uploads whose signed digest is yet to be checked."""
    faucet: bool = False
    threads: int = 8
    limits: Limits = field(default_factory=Limits)
    webhooks_allow: tuple[Network, ...] = ()

    @property
    def addresses(self) -> AddressPolicy:
        """Which addresses webhooks may be delivered to."""
        return AddressPolicy(self.webhooks_allow)


@dataclass(frozen=True)
class Services:
    """Everything that routes and loops use."""

    site: Site
    keys: PlatformKeys
    database: Database
    chain: Chain
    objects: ObjectStore
    box: SecretBox
    outbox: Outbox
    submitter: Submitter
    bell: Bell
    columns: PrivateColumns
    index: FingerprintIndex
    registration: Registration
    catalogue: Catalogue
    search: SampleSearch
    board: Board
    notices: Notices
    openings: Openings
    upload: PackageUpload
    release: PackageRelease
    webhooks: Webhooks
    address_limit: AddressLimit
    metrics: Metrics

    @staticmethod
    def clock() -> int:
        """Return this machine's time in ms since the epoch: it gates, the ledger decides."""
        return time.time_ns() // 1_000_000

    def close(self) -> None:
        """Give up what this process holds; whoever waits is woken."""
        self.bell.close()
        self.chain.close()
        self.database.close()


def wire(site: Site, *, keys: PlatformKeys, database: Database, chain: Chain, objects: ObjectStore) -> Services:
    """Return the services over the given ports."""
    clock = Services.clock
    metrics = Metrics()
    metrics.add(Standing(database, chain, clock))
    ledger = MeteredLedger(chain, metrics.calls)
    box = SecretBox({1: keys.table}, 1)
    columns = PrivateColumns(box)
    index = FingerprintIndex(box)
    outbox = Outbox(ledger, box)
    board = Board(box=box, key=keys.account, market=site.market, anchored_within_ms=ANCHORED_WITHIN_MS)
    gate = Gate(index=index, box=box, pepper=_derive(keys.table, b"exact digests"))
    return Services(
        site=site,
        keys=keys,
        database=database,
        chain=chain,
        objects=objects,
        box=box,
        outbox=outbox,
        submitter=Submitter(database, ledger, outbox, metrics.outbox),
        bell=Bell(database),
        columns=columns,
        index=index,
        registration=Registration(
            database=database,
            gate=gate,
            outbox=outbox,
            columns=columns,
            keys=keys.encryption,
            market=site.market,
            clock=clock,
            writes=site.limits.of_account,
        ),
        catalogue=Catalogue(database=database, columns=columns),
        search=SampleSearch(database=database, index=index, keys=keys.encryption, market=site.market, clock=clock),
        board=board,
        notices=Notices(
            database=database,
            board=board,
            outbox=outbox,
            keys=keys.encryption,
            market=site.market,
            platform=keys.account.address,
            clock=clock,
            writes=site.limits.of_account,
        ),
        openings=Openings(objects, clock=clock),
        upload=PackageUpload(database=database, objects=objects, clock=clock),
        release=PackageRelease(database=database, objects=objects, clock=clock),
        webhooks=Webhooks(box, site.addresses),
        address_limit=AddressLimit(
            database, site.limits.of_address, key=_derive(keys.table, b"network addresses"), clock=clock
        ),
        metrics=metrics,
    )


def from_config(config: Config) -> Services:
    """Return the services of the gateway, or of the worker beside it, that ``config`` describes.

    Raises:
        MarketError: a file is missing or malformed.
        LedgerError: a connection profile cannot be used (`network.client`).
    """
    site = Site(
        market=config.market,
        hosts=_certified_hosts(config.tls_cert_file),
        spool=config.spool,
        faucet=config.faucet,
        threads=config.threads,
        limits=config.limits,
        webhooks_allow=config.webhooks_allow,
    )
    database = Database(config.database_url, pool_size=config.threads + _SPARE_CONNECTIONS)
    profiles = [ConnectionProfile.load(path) for path in config.connections]
    services = wire(
        site,
        keys=platform_keys.load(config.keys_file),
        database=database,
        chain=FabricLedger(GatewayClient(*profiles)),
        objects=open_store(config.objects, database=database),
    )
    certificates.watch(services.metrics, {"gateway": config.tls_cert_file, "ledger": profiles[0].cert_file})
    return services


def _derive(key: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes for one purpose: two uses of a key never meet (RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=None, info=b"countermark/" + purpose).derive(key)


def _certified_hosts(certificate: Path) -> frozenset[str]:
    """Return the host names in a certificate, as they stand in URLs."""
    try:
        parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{certificate} is no certificate with names") from error
    addresses = (ip_address(str(address)) for address in names.get_values_for_type(x509.IPAddress))
    spelled = (f"[{address}]" if isinstance(address, IPv6Address) else str(address) for address in addresses)
    return frozenset({*names.get_values_for_type(x509.DNSName), *spelled})
