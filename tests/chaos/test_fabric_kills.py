"""On a real network any node may be killed in the middle of trades, and the platform's own processes: no trade is
lost or made twice, the money is exact, all replicas agree, and trades go on within half a minute."""

import math
import os
import random
import secrets
import statistics
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from tests.support import figures
from tests.support.chaos.commits import Commits
from tests.support.chaos.floor import Floor
from tests.support.chaos.members import Members
from tests.support.chaos.nodes import Nodes, Victim
from tests.support.chaos.outages import EVERY, LIMIT_S, PATIENCE_S, Outages
from tests.support.sizes import size
from tests.support.whole_platform import Platform

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(size(1_800, 12 * 3600))]

TIMES = size(2, 20)
"""How often each member is taken away."""

TRADES = 5
"""Trades that begin for each time."""

LANES = 8
FIRST = LANES + TRADES
"""Trades after whose begin the first one goes: some then need no new listing, for which no peer may be missing."""

SEED = int(os.environ.get("COUNTERMARK_CHAOS_SEED") or secrets.randbits(32))
"""Gives the order of the outages; what runs at those instants is the machine's to say."""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    nodes = Nodes(tmp_path_factory.mktemp("network") / "network")
    try:
        nodes.up()
        yield nodes
    finally:
        nodes.down()


@pytest.fixture(scope="module")
def platform(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    options = ("--ledger", "fabric", "--dir", str(nodes.folder), "--faucet")
    platform = Platform(tmp_path_factory.mktemp("platform") / "data", options=options)
    platform.start()
    members = Members(platform)
    members.look()
    try:
        yield platform
    finally:
        status = platform.stop()
    assert (status, members.left()) == (0, [])
    platform.discard()


@pytest.fixture(scope="module")
def chance() -> random.Random:
    return random.Random(SEED)


@pytest.fixture(scope="module")
def floor(platform: Platform, chance: random.Random, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    floor = Floor(platform, tmp_path_factory.mktemp("floor"), chance, lanes=LANES)
    with closing(floor):
        yield floor


@pytest.mark.parametrize("victim", [Victim.ENDORSER, Victim.SECOND_ENDORSER])
def test_nobody_notices_that_one_of_two_peers_of_an_organisation_dies(
    nodes: Nodes, floor: Floor, victim: Victim
) -> None:
    retries, errors = floor.retries, floor.server_errors()
    with floor.trading(LANES + TRADES) as market:
        assert market.wait_begun(LANES, PATIENCE_S)
        nodes.kill(victim)
    nodes.up()
    assert floor.retries == retries
    assert floor.server_errors() == errors


def test_killed_nodes_lose_no_trade_and_no_money(
    nodes: Nodes, platform: Platform, floor: Floor, chance: random.Random
) -> None:
    print(f"COUNTERMARK_CHAOS_SEED={SEED}")
    plan = [*EVERY] * TIMES
    chance.shuffle(plan)
    with closing(Commits(nodes.profiles())) as commits, floor.trading(FIRST + len(plan) * TRADES) as market:
        outages = Outages(nodes, Members(platform), market, commits, first=FIRST, trades=TRADES)
        try:
            outages.run(plan)
        finally:
            print("\n".join(outages.log))
    floor.check()
    nodes.check_replicas()
    assert {outage: len(times) for outage, times in outages.seconds.items()} == dict.fromkeys(EVERY, TIMES)
    seconds = [one for times in outages.seconds.values() for one in times]
    figures.show(f"kills on Fabric (seed {SEED}): {len(plan)} while {floor.trades} trades ran, all of them settled")
    for outage in EVERY:
        figures.show(f"until the next trade's transaction commits, {outage}: {spread(outages.seconds[outage])}")
    figures.show(f"until the next trade's transaction commits, of all: {spread(seconds)}")
    assert percentile(seconds, 0.95) < LIMIT_S


def spread(seconds: Sequence[float]) -> str:
    return f"p50 {statistics.median(seconds):.1f} s, p95 {percentile(seconds, 0.95):.1f} s"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
