"""The parts of a member's gateway."""

from dataclasses import dataclass

from countermark.gateway import keys as private_keys
from countermark.gateway.config import MemberConfig
from countermark.gateway.keys import MemberKeys
from countermark.gateway.member.upstream import Upstream
from countermark.gateway.services import (
    Chain,
    Services,
    Site,
    certified_hosts,
    connect,
    watch_certificates,
    wire_shared,
)
from countermark.platform.store.engine import Database


@dataclass(frozen=True, kw_only=True)
class MemberServices(Services):
    """What every gateway has, and the way to the platform's."""

    upstream: Upstream

    def close(self) -> None:
        """Give up what this process holds; whoever waits is woken."""
        self.upstream.close()
        super().close()


def wire(site: Site, *, keys: MemberKeys, database: Database, chain: Chain, upstream: Upstream) -> MemberServices:
    """Return the services of a member's gateway over the given ports."""
    shared = wire_shared(site, table=keys.table, database=database, chain=chain)
    return MemberServices(**vars(shared), upstream=upstream)


def from_config(config: MemberConfig) -> MemberServices:
    """Return the services of the gateway, or of the worker beside it, that ``config`` describes.

    Raises:
        MarketError: a file is missing or malformed.
        LedgerError: a connection profile cannot be used (`network.client`).
    """
    site = Site(
        market=config.market,
        hosts=certified_hosts(config.tls_cert_file),
        threads=config.threads,
        limits=config.limits,
    )
    database, chain = connect(config)
    services = wire(
        site,
        keys=private_keys.load_of_member(config.keys_file),
        database=database,
        chain=chain,
        upstream=Upstream(config.platform, connections=config.threads),
    )
    watch_certificates(services, config)
    return services
