"""Which gateway is asked: the first that answers, in the order of preference; one that is away is left for a while.

Nothing is ever refused because a gateway is thought to be away: when all are, all are asked.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from countermark.network.client.channels import NodeChannel, Services
from countermark.network.client.errors import LedgerError
from countermark.network.client.profile import ConnectionProfile
from countermark.protocol.errors import ErrorCode
from countermark.protocol.retries import Retry

_log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
"""Bounds of how long a gateway that is away is left, doubled from one to the other."""

TRY_S = 5.0
"""How long a gateway may take to answer, at least, before another one is asked; the last one has all that is left."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Gateway:
    msp_id: str
    address: str
    channel: NodeChannel = field(repr=False)
    failures: int = 0
    left_until: float = 0.0
    height: int = 0
    """Blocks that its peer has had."""


class Attempt:
    """One try at one gateway; whoever makes it says how it went."""

    def __init__(self, gateways: "Gateways", gateway: _Gateway) -> None:
        self._gateways = gateways
        self._gateway = gateway
        self._failures = gateway.failures

    @property
    def services(self) -> Services:
        """The peer's services."""
        return self._gateway.channel.services()

    @property
    def msp_id(self) -> str:
        """The gateway's organisation."""
        return self._gateway.msp_id

    @property
    def height(self) -> int:
        """How many blocks its peer has at least, as far as anybody has asked."""
        return self._gateway.height

    def reached(self, height: int) -> None:
        """Say how many blocks its peer has; one that has been set back has fewer than before."""
        self._gateway.height = height

    @property
    def alone(self) -> bool:
        """Whether there is no other gateway."""
        return self._gateways.count == 1

    @property
    def outranked(self) -> bool:
        """Whether a gateway that is preferred to this one is there: it has answered since it was last found away."""
        return self._gateways.outranked(self._gateway)

    @property
    def doubted(self) -> bool:
        """Whether somebody has found the gateway away since this attempt, or since `trust`."""
        return self._gateway.failures > self._failures

    def rivals(self) -> "list[Attempt]":
        """Return attempts at the gateways preferred to this one that are away and may be asked again by now."""
        return self._gateways.rivals(self._gateway)

    def trust(self) -> None:
        """Take it that the gateway does what this attempt needs, whatever others have found."""
        self._failures = self._gateway.failures

    def answered(self) -> None:
        """Say that the gateway is there."""
        self._gateways.welcome(self._gateway)
        self._failures = 0

    def failed(self, error: LedgerError) -> None:
        """Say how the call ended: the gateway may be away, or have answered with that error."""
        if error.retry is Retry.OTHER:
            self._gateways.leave(self._gateway, self._failures, error)
        elif error.retry in (Retry.NEVER, Retry.ANEW):
            self.answered()


class Gateways:
    """The gateways of `profiles`, the preferred one first. May be shared by threads, and made before a fork."""

    def __init__(self, profiles: Sequence[ConnectionProfile], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the TLS roots of `profiles`; nothing is connected yet.

        Raises:
            ProfileError: A file is missing.
        """
        self._gateways = [
            _Gateway(one.msp_id, one.gateway, NodeChannel(one.gateway, one.tls_ca(), one.host_override))
            for one in profiles
        ]
        self._clock = clock
        self._lock = threading.Lock()

    def of(self, organisations: Collection[str]) -> bool:
        """Return whether any gateway is of one of `organisations`."""
        return any(one.msp_id in organisations for one in self._gateways)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._gateways)

    def first(self) -> Attempt:
        """Return an attempt at the first gateway that is not known to be away, for what has no deadline."""
        return self._attempts(None, finds_out=False)[0]

    def ask(
        self,
        call: Callable[[Attempt, float], T],
        *,
        timeout: float,
        among: Collection[str] | None = None,
        waits: bool = False,
    ) -> T:
        """Return what `call` returns at the first gateway that answers.

        Args:
            call: Takes an attempt at a gateway and the seconds that it has; raises LedgerError.
            timeout: Seconds for all gateways together.
            among: MSP ids; gateways of other organisations are not asked, whatever happens to these.
            waits: The call takes its time by nature, so one gateway may have all of it, and a gateway that was away
                is not the one: that it takes its time again would tell nobody anything.

        Raises:
            LedgerError: The failure of the one that answered; if none did, of the first one. Whatever is said of a
                transaction that another gateway may have passed on, its outcome stays unknown.
        """
        deadline = self._clock() + timeout
        attempts = self._attempts(among, finds_out=not waits)
        failure: LedgerError | None = None
        for others, attempt in zip(reversed(range(len(attempts))), attempts, strict=True):
            left = deadline - self._clock()
            if failure is not None and left <= 0:
                break
            share = left if waits else max(left / (others + 1), min(left, TRY_S))
            try:
                answer = call(attempt, share)
            except LedgerError as error:
                attempt.failed(error)
                failure = error if failure is None else _graver(failure, error)
                if error.retry is not Retry.OTHER:
                    break
            else:
                attempt.answered()
                return answer
        assert failure is not None, "at least one gateway was asked"
        raise failure

    def outranked(self, gateway: _Gateway) -> bool:
        """Return whether one before `gateway` in the order of preference has answered since it was found away."""
        with self._lock:
            return any(not one.failures for one in self._preferred(gateway))

    def rivals(self, gateway: _Gateway) -> list[Attempt]:
        """Return attempts at those before `gateway` that are away and have been left for long enough."""
        with self._lock:
            now = self._clock()
            due = [one for one in self._preferred(gateway) if one.failures and one.left_until <= now]
            for one in due:
                one.left_until = now + _pause(one)
            return [Attempt(self, one) for one in due]

    def close(self) -> None:
        """Close all connections."""
        for gateway in self._gateways:
            gateway.channel.close()

    def welcome(self, gateway: _Gateway) -> None:
        """Remember that `gateway` answers."""
        with self._lock:
            was_away = gateway.failures > 0
            gateway.failures, gateway.left_until = 0, 0.0
        if was_away and len(self._gateways) > 1:
            _log.info("gateway %s of %s answers again", gateway.address, gateway.msp_id)

    def leave(self, gateway: _Gateway, failures: int, why: LedgerError) -> None:
        """Leave `gateway` alone for a while, unless it was found away since the call that had seen `failures`."""
        with self._lock:
            if gateway.failures != failures:
                return  # of calls that fail side by side the first counts
            gateway.failures += 1
            gateway.height = 0  # whatever it comes back with
            pause = _pause(gateway)
            gateway.left_until = self._clock() + pause
        if len(self._gateways) > 1:
            text = "gateway %s of %s is away, asked last for %.0f s: %s"
            _log.warning(text, gateway.address, gateway.msp_id, pause, why)

    def _preferred(self, gateway: _Gateway) -> list[_Gateway]:
        return self._gateways[: self._gateways.index(gateway)]

    def _attempts(self, among: Collection[str] | None, *, finds_out: bool) -> list[Attempt]:
        """Return attempts at the gateways that may be asked, in order; those that are left alone come last.

        With `finds_out` a gateway that has been left for long enough has its old place again.
        """
        with self._lock:
            now = self._clock()
            asked = [one for one in self._gateways if among is None or one.msp_id in among]
            asked.sort(key=lambda one: max(one.left_until - now, 0.0))
            if not finds_out:
                asked.sort(key=lambda one: one.failures > 0)
            elif asked and asked[0].failures:
                # One call finds out whether it is back; until it knows, others need not wait with it.
                asked[0].left_until = now + _pause(asked[0])
            return [Attempt(self, one) for one in asked]


def _pause(gateway: _Gateway) -> float:
    return min(FIRST_PAUSE_S * 2.0 ** min(gateway.failures - 1, 30), LONGEST_PAUSE_S)


def _graver(first: LedgerError, second: LedgerError) -> LedgerError:
    """Return what to tell of two gateways' failures: what one that answered said, but never less than unknown.

    That a proposal is too old says nothing of clocks, if it has grown old before the first one.
    """
    if second.code is ErrorCode.CLOCK_SKEWED:
        return first
    was, stays = (one.code is ErrorCode.OUTCOME_UNKNOWN for one in (first, second))
    if was and not stays:
        return first
    return second if second.retry is not Retry.OTHER or (stays and not was) else first
