"""Any process of the platform may be killed at any moment: no trade is lost or made twice, and the money is exact."""

import os
import random
import secrets
import threading
from pathlib import Path

import pytest

from countermark.faults import Point, reached
from tests.support import figures
from tests.support.chaos import bookkeeping
from tests.support.chaos.lanes import Lane, Market
from tests.support.chaos.members import Chaos
from tests.support.chaos.plan import plan
from tests.support.chaos.reaper import Reaper
from tests.support.sizes import size

KILLS = size(40, 5_000)
TRADES = size(5, 10)
"""Trades that begin for each kill."""

LANES = 8
SEED = int(os.environ.get("COUNTERMARK_CHAOS_SEED") or secrets.randbits(32))
"""Gives the order of the kills and their instants; what runs at those instants is the machine's to say."""


@pytest.mark.slow
@pytest.mark.timeout(size(1_800, 36 * 3600))
def test_killed_processes_lose_no_trade_and_no_money(chaos: Chaos, tmp_path: Path) -> None:
    print(f"COUNTERMARK_CHAOS_SEED={SEED}")
    chance = random.Random(SEED)
    kills = plan(KILLS, chance)
    seeds = [chance.random() for _ in range(LANES)]
    lanes = [Lane(chaos.platform, tmp_path / f"lane{n}", n, random.Random(seed)) for n, seed in enumerate(seeds)]
    market = Market(lanes, target=len(kills) * TRADES)
    reaper = Reaper(chaos.members, market, chaos.points, trades=TRADES)
    trading = threading.Thread(target=market.run)
    trading.start()
    try:
        reaper.run(kills)
        market.enough()
    finally:
        market.end()
        trading.join()
        for lane in lanes:
            lane.close()
        print("\n".join(reaper.log))
    assert market.failures == []
    bookkeeping.settle(chaos.platform)
    bookkeeping.check(chaos.platform, lanes)
    bookkeeping.check_logs(chaos.platform)
    times = reached(chaos.points)
    assert [point for point in Point if times[point] < 2] == []
    trades = sum(len(lane.trades) for lane in lanes)
    figures.show(f"kills (seed {SEED}): {reaper.killed.total()} kills while {trades} trades ran, all of them settled")
    figures.show("kills by process: " + ", ".join(f"{name} {count}" for name, count in sorted(reaper.killed.items())))
    figures.show("points reached: " + ", ".join(f"{point} {times[point]}" for point in Point))
