"""Two markets on one channel of native Fabric: each is audited by itself, and the other's books must be right too."""

import pytest

from countermark.audit.errors import AuditError
from countermark.audit.replay import Replay
from countermark.network.blocks import Block
from tests.fixtures.fabric_blocks import TWO_MARKETS, recorded
from tests.unit.audit.chains import with_codes

BLOCKS = list(recorded(TWO_MARKETS))
MARKETS = ("countermark", "other")
POLICY_FAILURE = 10


def replay(blocks: list[Block], chaincode: str) -> Replay:
    audit = Replay(
        genesis=BLOCKS[0].header_hash, chaincode=chaincode, platform="PlatformMSP", supervisor="SupervisorMSP"
    )
    audit.apply_all(blocks)
    return audit


@pytest.mark.parametrize("chaincode", MARKETS)
def test_each_market_is_audited_though_the_channel_has_another(chaincode: str) -> None:
    audit = replay(BLOCKS, chaincode)
    assert audit.height == len(BLOCKS)
    assert "market/config" in audit.state
    functions = {change.transaction.chaincode for changes in audit.history.values() for change in changes}
    assert functions == {chaincode}


def first(chaincode: str) -> Block:
    return next(block for block in BLOCKS if any(one.chaincode == chaincode for one in block.transactions))


@pytest.mark.parametrize("chaincode", MARKETS)
def test_a_peer_that_calls_the_other_market_s_transaction_invalid_is_found(chaincode: str) -> None:
    (other,) = set(MARKETS) - {chaincode}
    block = first(other)
    forged = with_codes(block, *[POLICY_FAILURE] * len(block.transactions))
    with pytest.raises(AuditError, match="validation_differs") as found:
        replay([*BLOCKS[: block.number], forged], chaincode)
    assert found.value.block == block.number
