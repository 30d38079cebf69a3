"""What a worker does besides following the ledger: the platform's own part of every trade, or a member's little."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from countermark.gateway.courier import HttpsCourier
from countermark.gateway.member.descriptions import PlatformDescriptions
from countermark.gateway.member.services import MemberServices
from countermark.gateway.services import PlatformServices
from countermark.platform.board.anchoring import AnchorJob
from countermark.platform.claims.retention import ClaimRetentionJob
from countermark.platform.contracts.clearing import ClearingJob
from countermark.platform.contracts.copying import CopyingJob
from countermark.platform.contracts.deposit import DepositJob
from countermark.platform.contracts.erasing import ErasureJob
from countermark.platform.contracts.parts import PartsRetentionJob
from countermark.platform.contracts.publication import PublicationJob
from countermark.platform.deadlines.comparison import ComparisonJob
from countermark.platform.deadlines.ticking import TickJob
from countermark.platform.deadlines.watchdog import WatchdogJob
from countermark.platform.jobs.accounts import OwnAccountsJob
from countermark.platform.jobs.acts import Acting, Calling
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.relay.checking import CheckJob
from countermark.platform.relay.retention import RetentionJob
from countermark.platform.relay.transmission import RelayJob
from countermark.platform.webhooks.delivering import Deliveries
from countermark.protocol.market import PublicKey

ON_BLOCKS_S = 2.0
"""Timer of what follows from blocks: whatever the bell has missed."""

HOUSEKEEPING_S = 300.0

LATER_MS = 15_000
"""How long a member's worker leaves what anybody may do to the platform's, which need not do it."""

_CLOCK_S = 1.0
_ANCHOR_S = 5.0
_COMPARE_S = 60.0


@dataclass(frozen=True)
class Duty:
    """A job, how often it runs at least, and whether a block wakes it."""

    job: LeasedJob[Any]
    every_s: float
    woken: bool = False


@dataclass(frozen=True)
class Duties:
    """All that one worker has to do."""

    jobs: tuple[Duty, ...]
    accounts: OwnAccountsJob | None = None
    """Of them, the one before whose end the worker is not ready."""
    deliver: Callable[[], object] | None = None
    """Tells webhooks what has happened."""


def duties_of(services: PlatformServices | MemberServices) -> Duties:
    """Return what the worker of ``services`` has to do."""
    return _of_platform(services) if isinstance(services, PlatformServices) else _of_member(services)


def _of_platform(services: PlatformServices) -> Duties:
    database, objects, columns = services.database, services.objects, services.columns
    key, market, clock = services.keys.account, services.site.market, services.clock
    acting = Acting(database, services.outbox, services.submitter, clock, key, market)
    accounts = OwnAccountsJob(acting, *_own_accounts(services))
    deposit = DepositJob(database, objects=objects, box=services.box, market=market, clock=clock)
    erasure = ErasureJob(database, objects=objects, probes=services.probes, clock=clock)
    jobs = (
        Duty(accounts, ON_BLOCKS_S, woken=True),
        Duty(RelayJob(acting, services.board, services.upload), ON_BLOCKS_S, woken=True),
        Duty(CheckJob(acting, services.board), ON_BLOCKS_S, woken=True),
        Duty(PublicationJob(database, columns=columns), ON_BLOCKS_S, woken=True),
        Duty(ClearingJob(database), ON_BLOCKS_S, woken=True),
        Duty(deposit, ON_BLOCKS_S, woken=True),
        Duty(erasure, ON_BLOCKS_S, woken=True),
        Duty(WatchdogJob(acting), _CLOCK_S),
        Duty(TickJob(acting), _CLOCK_S),
        Duty(AnchorJob(acting, services.board), _ANCHOR_S),
        Duty(ComparisonJob(acting), _COMPARE_S),
        Duty(RetentionJob(database, objects=objects, clock=clock), HOUSEKEEPING_S),
        Duty(ClaimRetentionJob(database, objects=objects, clock=clock), HOUSEKEEPING_S),
        Duty(PartsRetentionJob(database, objects=objects, clock=clock), HOUSEKEEPING_S),
    )
    courier = HttpsCourier(key, services.site.addresses)
    return Duties(jobs, accounts, Deliveries(database, services.webhooks, courier, market=market).run_once)


def _own_accounts(services: PlatformServices) -> tuple[list[Any], PublicKey]:
    """Return the keys of the accounts with which the platform acts, and where what is sealed to them goes."""
    keys = services.keys
    version = max(keys.encryption)
    own = [keys.account] if keys.issuer is None else [keys.account, keys.issuer]
    return own, PublicKey(version, keys.encryption[version].public)


def _of_member(services: MemberServices) -> Duties:
    source = PlatformDescriptions(services.upstream)
    calling = Calling(services.database, services.outbox, services.submitter, services.clock)
    return Duties(
        (
            # Without the next two a platform that does nothing could keep money where it is for ever.
            Duty(CopyingJob(services.database, columns=services.columns, source=source), ON_BLOCKS_S, woken=True),
            Duty(WatchdogJob(calling, later_ms=LATER_MS), _CLOCK_S),
            Duty(TickJob(calling, later_ms=LATER_MS), _CLOCK_S),
        )
    )
