"""Takes the members of a real network and of its platform away, one after the other, while trades run."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.chaos.commits import Commits
from tests.support.chaos.lanes import Market
from tests.support.chaos.members import Members
from tests.support.chaos.nodes import Nodes, Victim

PATIENCE_S = 120.0
"""How long trades may take to begin, and a process to be there again."""

LIMIT_S = 30.0
"""How long it may take, at the 95th percentile, until the next transaction of a trade commits."""

_LOOK_S = 0.1


@dataclass(frozen=True)
class Outage:
    """`victim` dies, or hangs while as many trades begin as for a kill."""

    victim: Victim
    hangs: bool = False

    def __str__(self) -> str:
        return f"{self.victim} {'hangs' if self.hangs else 'killed'}"


EVERY: Sequence[Outage] = (*(Outage(victim) for victim in Victim), Outage(Victim.GATEWAY_PEER, hangs=True))


class Outages:
    """Carries outages out; what was killed comes back after the next transaction of a trade has committed without."""

    def __init__(
        self, nodes: Nodes, members: Members, market: Market, commits: Commits, *, first: int, trades: int
    ) -> None:
        """Take one outage for every `trades` trades that begin after the `first` ones."""
        self._nodes = nodes
        self._members = members
        self._market = market
        self._commits = commits
        self._first = first
        self._trades = trades
        self.seconds: dict[Outage, list[float]] = defaultdict(list)
        """By outage, the times from it until a transaction that was made after it had committed."""
        self.log: list[str] = []

    def run(self, outages: Sequence[Outage]) -> None:
        """Carry `outages` out; an `AssertionError` says of one that it could not be, or that a trade failed."""
        started = time.monotonic()
        for number, outage in enumerate(outages):
            if not self._market.wait_begun(self._first + number * self._trades, PATIENCE_S):
                break
            before = time.monotonic()
            name, seconds = self._carry_out(outage)
            self.seconds[outage].append(seconds)
            whole = time.monotonic() - before
            self.log.append(
                f"{before - started:6.1f} s {outage} ({name}): next after {seconds:.1f} s, whole after {whole:.1f} s"
            )
        assert not self._market.failures, self._market.failures

    def _carry_out(self, outage: Outage) -> tuple[str, float]:
        if outage.hangs:
            begun = self._market.begun
            with self._nodes.hanging(outage.victim):
                seconds = self._next_after(time.time())
                # The preferred gateway's pauses run out meanwhile, one after the other.
                self._market.wait_begun(begun + self._trades, LIMIT_S)
            return self._nodes.daemon(outage.victim).name, seconds
        if outage.victim.of_platform:
            self._kill_member(outage.victim)
            return outage.victim, self._next_after(time.time())
        name = self._nodes.kill(outage.victim)
        seconds = self._next_after(time.time())
        self._nodes.up()
        return name, seconds

    def _next_after(self, instant: float) -> float:
        seconds = self._commits.wait_trade(instant, PATIENCE_S)
        assert not self._market.failures, self._market.failures
        assert seconds is not None, "no trade goes on"
        return seconds

    def _kill_member(self, victim: Victim) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not self._members.kill(victim):
            assert time.monotonic() < give_up, f"{victim} does not come back"
            self._members.wait_death(_LOOK_S)
