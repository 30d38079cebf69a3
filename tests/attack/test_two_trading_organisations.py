"""Two trading organisations run one altered chaincode: they agree on every byte, and that makes nothing valid."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import pytest

from countermark.network.blocks.codes import Code
from countermark.network.embedded.material import ORGANISATIONS, generate
from tests.support.embedded_ledger import PLATFORM, SUPERVISOR, TRADER, World, writing

SECOND = "second"
THEFT = writing(**{f"coin/{'a' * 64}.0": '{"amount":"1000000","owner":"a thief"}'})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The ledger of a channel with two trading organisations."""
    generate(tmp_path, organisations=(*ORGANISATIONS, (SECOND, "SecondMSP")))
    world = World(tmp_path)
    yield world
    world.ledger.close()


def committed(world: World, endorsers: Sequence[str]) -> Code:
    client = world.identity(endorsers[0], "gateway")
    (code,) = world.commit(world.transaction(THEFT, endorsers=endorsers, client=client))
    return code


def test_two_trading_organisations_together(world: World) -> None:
    """Nor with the platform, nor each by both its peers' signatures twice."""
    without = (PLATFORM, TRADER, SECOND)
    conspiring = [some for number in (1, 2, 3) for some in combinations(without, number)]
    for endorsers in (*conspiring, (TRADER, SECOND, TRADER, SECOND)):
        assert committed(world, endorsers) is Code.ENDORSEMENT_POLICY_FAILURE, endorsers
    (key,) = (write.key for write in THEFT.writes)
    assert world.value(key) is None
    # It is the supervisor alone whose word they lack.
    for one in without:
        assert committed(world, (SUPERVISOR, one)) is Code.VALID
