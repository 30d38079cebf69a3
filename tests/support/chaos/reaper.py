"""Kills the members of a platform one after the other, each while trades of its own round run."""

import os
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from countermark.faults import Action, Point, arm, armed, reached, visits
from tests.support.chaos.lanes import Market
from tests.support.chaos.members import Members
from tests.support.chaos.plan import Kill

PATIENCE_S = 120.0
"""How long a point may take to be reached, and a process to be there again."""

_LOOK_S = 0.1


class Reaper:
    """Carries a plan out; failpoints are armed in `folder`."""

    def __init__(self, members: Members, market: Market, folder: Path, *, trades: int) -> None:
        """Take a kill for every `trades` trades that begin."""
        self._members = members
        self._market = market
        self._folder = folder
        self._trades = trades
        self.killed: Counter[str] = Counter()
        self.log: list[str] = []

    def run(self, kills: list[Kill]) -> None:
        """Kill until all are done; an `AssertionError` says of one that it could not be, or that a trade failed."""
        started = time.monotonic()
        for number, kill in enumerate(kills):
            if not self._market.wait_begun(number * self._trades, PATIENCE_S):
                break
            before = time.monotonic()
            self._carry_out(kill)
            self.log.append(f"{before - started:6.1f} s {kill} (took {time.monotonic() - before:.1f} s)")
        assert not self._market.failures, self._market.failures
        assert not armed(self._folder), f"nobody reached {armed(self._folder)}"

    def _carry_out(self, kill: Kill) -> None:
        if kill.point is None:
            time.sleep(kill.after_s)  # the instant that the seed gave
            self._kill(kill.victim)
            return
        self._members.look()  # who dies at the point is known by then
        count = reached(self._folder)[kill.point]
        arm(self._folder, kill.point, Action.HOLD if kill.victim else Action.KILL)
        self._wait_reached(kill.point, count)
        if kill.victim:
            self._kill(kill.victim)
            self._let_go(kill.point)
        else:
            self.killed[self._members.names[visits(self._folder)[-1][1]]] += 1

    def _kill(self, victim: str) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not self._members.kill(victim):
            assert time.monotonic() < give_up, f"{victim} does not come back"
            self._members.wait_death(_LOOK_S)
        self.killed[victim] += 1

    def _wait_reached(self, point: Point, count: int) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while reached(self._folder)[point] == count:
            assert time.monotonic() < give_up, f"nobody reaches {point}"
            assert not self._market.failures, self._market.failures
            self._members.wait_death(_LOOK_S)

    def _let_go(self, point: Point) -> None:
        """Let whoever waits at `point` go on, unless it has died meanwhile."""
        give_up = time.monotonic() + PATIENCE_S
        _, pid = visits(self._folder)[-1]
        while True:
            with suppress(OSError):  # nobody has opened the other side yet
                os.close(os.open(self._folder / f"{point}.hold", os.O_WRONLY | os.O_NONBLOCK))
                return
            assert time.monotonic() < give_up, f"{pid} does not wait at {point}"
            if pid not in self._members.look().values():
                return
