"""The parts of a gateway, wired together for one process: what gateway and worker have in common.

Every gateway has `Services`; the platform's has those of `PlatformServices` besides. A member's: `gateway.member`.

Nothing is connected here: database and ledger are first reached when they are needed, in whatever process that is.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from countermark.gateway import keys as platform_keys
from countermark.gateway.bell import Bell
from countermark.gateway.config import Config, PlatformConfig
from countermark.gateway.keys import PlatformKeys
from countermark.gateway.ledger import FabricLedger
from countermark.gateway.limits import AddressLimit, Limits
from countermark.gateway.metrics import Metrics, certificates
from countermark.gateway.metrics.calls import MeteredLedger
from countermark.gateway.metrics.standing import Standing
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.platform.board.log import Board
from countermark.platform.board.submission import Notices
from countermark.platform.claims.papers import ClaimPapers
from countermark.platform.contracts.catalogue import Catalogue
from countermark.platform.contracts.parts import Parts
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.contracts.registration import Registration
from countermark.platform.disputes.decisions import Decisions
from countermark.platform.disputes.openings import Openings
from countermark.platform.matching.allowance import ALLOWANCE, Allowance
from countermark.platform.matching.gate import Gate
from countermark.platform.matching.index import FingerprintIndex
from countermark.platform.matching.inquiries import Inquiries
from countermark.platform.matching.links import Links
from countermark.platform.matching.probes import Probes
from countermark.platform.matching.search import SampleSearch
from countermark.platform.matching.tracing import Tracing
from countermark.platform.ports import Block, Ledger, ObjectStore
from countermark.platform.relay.release import PackageRelease
from countermark.platform.relay.upload import PackageUpload
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import open_store
from countermark.platform.store.outbox import Outbox, Submitter
from countermark.platform.store.secrets import SecretBox
from countermark.platform.views import progress
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

    def block(self, number: int, *, timeout_s: float = 10.0) -> Block:
        """Return block ``number``.

        Raises:
            UnavailableError: nobody sent it in time.
        """
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


@dataclass(frozen=True, kw_only=True)
class Site:
    """What distinguishes this gateway from others."""

    market: str
    """Channel/chaincode."""
    hosts: frozenset[str]
    """Host names that its certificate holds for; requests signed for others are refused."""
    threads: int = 8
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class PlatformSite(Site):
    """What distinguishes the platform's gateway."""

    spool: Path
    """Folder for pieces of uploads whose signed digest is yet to be checked."""
    faucet: bool = False
    webhooks_allow: tuple[Network, ...] = ()
    forwards: frozenset[str] = frozenset()
    """Authorities of members' gateways, which may pass on what was signed for them."""
    allowance: Allowance = ALLOWANCE
    """How much of search and gate is free, and what more of the search costs."""

    @property
    def addresses(self) -> AddressPolicy:
        """Which addresses webhooks may be delivered to."""
        return AddressPolicy(self.webhooks_allow)


@dataclass(frozen=True, kw_only=True)
class Services:
    """What routes and loops of every gateway use."""

    site: Site
    database: Database
    chain: Chain
    box: SecretBox
    outbox: Outbox
    submitter: Submitter
    bell: Bell
    columns: PrivateColumns
    catalogue: Catalogue
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


@dataclass(frozen=True, kw_only=True)
class PlatformServices(Services):
    """What only the platform's gateway has: its keys, and what is done with them."""

    site: PlatformSite
    keys: PlatformKeys
    objects: ObjectStore
    index: FingerprintIndex
    parts: Parts
    probes: Probes
    registration: Registration
    search: SampleSearch
    tracing: Tracing
    board: Board
    notices: Notices
    openings: Openings
    decisions: Decisions
    claim_papers: ClaimPapers
    upload: PackageUpload
    release: PackageRelease
    webhooks: Webhooks


def wire_shared(site: Site, *, table: bytes, database: Database, chain: Chain) -> Services:
    """Return what every gateway has, over the given ports; ``table`` is the key of the private columns."""
    metrics = Metrics()
    metrics.add(Standing(database, chain, Services.clock))
    ledger = MeteredLedger(chain, metrics.calls)
    box = SecretBox({1: table}, 1)
    columns = PrivateColumns(box)
    outbox = Outbox(ledger, box)
    return Services(
        site=site,
        database=database,
        chain=chain,
        box=box,
        outbox=outbox,
        submitter=Submitter(database, ledger, outbox, metrics.outbox),
        bell=Bell(database),
        columns=columns,
        catalogue=Catalogue(database=database, columns=columns),
        address_limit=AddressLimit(
            database, site.limits.of_address, key=_derive(table, b"network addresses"), clock=Services.clock
        ),
        metrics=metrics,
    )


def wire(
    site: PlatformSite, *, keys: PlatformKeys, database: Database, chain: Chain, objects: ObjectStore
) -> PlatformServices:
    """Return the platform's services over the given ports."""
    shared = wire_shared(site, table=keys.table, database=database, chain=chain)
    clock, box, outbox = shared.clock, shared.box, shared.outbox
    index = FingerprintIndex(box, database)
    board = Board(box=box, key=keys.account, market=site.market, anchored_within_ms=ANCHORED_WITHIN_MS)
    probes = Probes(box, _derive(keys.table, b"attempts"))
    links = Links(database, probes)
    gate = Gate(index=index, box=box, pepper=_derive(keys.table, b"exact digests"), probes=probes, links=links)
    parts = Parts(
        database=database,
        objects=objects,
        keys=keys.encryption,
        market=site.market,
        clock=clock,
        writes=site.limits.of_account,
    )
    inquiries = Inquiries(
        database=database,
        index=index,
        keys=keys.encryption,
        market=site.market,
        clock=clock,
        probes=probes,
        links=links,
        allowance=site.allowance,
    )
    return PlatformServices(
        **vars(shared),
        keys=keys,
        objects=objects,
        index=index,
        parts=parts,
        registration=Registration(
            database=database,
            gate=gate,
            outbox=outbox,
            columns=shared.columns,
            parts=parts,
            keys=keys.encryption,
            market=site.market,
            clock=clock,
            allowance=site.allowance,
            writes=site.limits.of_account,
        ),
        probes=probes,
        search=SampleSearch(inquiries),
        tracing=Tracing(inquiries),
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
        decisions=Decisions(objects, clock=clock),
        claim_papers=ClaimPapers(database, objects, clock=clock),
        upload=PackageUpload(database=database, objects=objects, clock=clock),
        release=PackageRelease(database=database, objects=objects, clock=clock),
        webhooks=Webhooks(box, site.addresses),
    )


def from_config(config: PlatformConfig) -> PlatformServices:
    """Return the services of the platform's gateway, or of the worker beside it, that ``config`` describes.

    Raises:
        MarketError: a file is missing or malformed.
        LedgerError: a connection profile cannot be used (`network.client`).
    """
    site = PlatformSite(
        market=config.market,
        hosts=certified_hosts(config.tls_cert_file),
        spool=config.spool,
        faucet=config.faucet,
        threads=config.threads,
        limits=config.limits,
        webhooks_allow=config.webhooks_allow,
        forwards=frozenset(config.forwards),
        allowance=Allowance(price=config.search_price),
    )
    database, chain = connect(config)
    services = wire(
        site,
        keys=platform_keys.load(config.keys_file),
        database=database,
        chain=chain,
        objects=open_store(config.objects, database=database),
    )
    watch_certificates(services, config)
    return services


def connect(config: Config) -> tuple[Database, FabricLedger]:
    """Return database and ledger of ``config``, of which nothing is reached yet.

    Raises:
        LedgerError: a connection profile cannot be used (`network.client`).
    """
    database = Database(config.database_url, pool_size=config.threads + _SPARE_CONNECTIONS)
    profiles = [ConnectionProfile.load(path) for path in config.connections]
    return database, FabricLedger(GatewayClient(*profiles, seen=partial(_projected, database)))


def watch_certificates(services: Services, config: Config) -> None:
    """Show how long the certificates hold with which this gateway is known, to clients and to the ledger."""
    own = ConnectionProfile.load(config.connections[0])
    certificates.watch(services.metrics, {"gateway": config.tls_cert_file, "ledger": own.cert_file})


def _projected(database: Database) -> int:
    """Return how many blocks are in the tables, which is what users were told of."""
    with database.begin() as connection:
        return progress.height(connection)


def _derive(key: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes for one purpose: two uses of a key never meet (RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=None, info=b"countermark/" + purpose).derive(key)


def certified_hosts(certificate: Path) -> frozenset[str]:
    """Return the host names in a certificate, as they stand in URLs."""
    try:
        parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{certificate} is no certificate with names") from error
    addresses = (ip_address(str(address)) for address in names.get_values_for_type(x509.IPAddress))
    spelled = (f"[{address}]" if isinstance(address, IPv6Address) else str(address) for address in addresses)
    return frozenset({*names.get_values_for_type(x509.DNSName), *spelled})
