"""An input or output error at any named moment costs a trader a retry at most: no trade, and no money."""

import random
from itertools import groupby, zip_longest
from pathlib import Path

import pytest

from countermark.faults import Action, Point, arm, armed, reached
from tests.support import figures
from tests.support.chaos import bookkeeping
from tests.support.chaos.lanes import Lane
from tests.support.chaos.members import Chaos


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_errors_at_named_moments_lose_no_trade_and_no_money(chaos: Chaos, tmp_path: Path) -> None:
    lane = Lane(chaos.platform, tmp_path / "lane", 0, random.Random(0))
    groups = [list(points) for _, points in groupby(sorted(Point), key=lambda point: point.partition(".")[0])]
    # One of each part in the same trade.
    for points in zip_longest(*groups):
        for point in filter(None, points):
            arm(chaos.points, point, Action.FAIL)
        lane.trade()
        assert armed(chaos.points) == []
    lane.close()
    bookkeeping.settle(chaos.platform)
    bookkeeping.check(chaos.platform, [lane])
    figures.show(f"input and output errors: one at each of {len(reached(chaos.points))} named moments")
    assert reached(chaos.points) == dict.fromkeys(Point, 1)
