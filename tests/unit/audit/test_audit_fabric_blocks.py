"""The replay on blocks that native Fabric made: it holds on the real ones, and finds what was done to others."""

import json
from collections.abc import Callable

import pytest

from countermark.audit import accounts
from countermark.audit.errors import AuditError
from countermark.audit.money import count_money
from countermark.audit.replay import Replay
from countermark.network.blocks import Block, build_block, parse_block, with_validation_codes
from countermark.network.errors import BlockError
from tests.fixtures.fabric_blocks import recorded
from tests.support.market import BOND, FEE, PRICE, actor
from tests.unit.audit.chains import with_codes
from tests.unit.network.consortium import Network

BLOCKS = list(recorded())
PAYMENTS = next(block.number for block in BLOCKS if block.transactions[-1].function == "trade.pay")
"""The block with two payments, of which the second came too late."""


def replay(blocks: list[Block]) -> Replay:
    genesis = BLOCKS[0].header_hash
    replay = Replay(genesis=genesis, chaincode="countermark", platform="PlatformMSP", supervisor="SupervisorMSP")
    replay.apply_all(blocks)
    return replay


def test_every_block_holds() -> None:
    done = replay(BLOCKS)
    assert done.height == len(BLOCKS)
    assert done.invalid == 1
    assert done.genesis == BLOCKS[0].header_hash


def test_money_and_ownership_come_out_as_they_were_agreed() -> None:
    done = replay(BLOCKS)
    money = count_money(done)
    assert money.balanced
    assert money.in_escrow == 0
    assert dict(money.by_owner) == {
        actor("seller").address: PRICE + BOND,
        actor("buyer").address: BOND,
        actor("stranger").address: PRICE + BOND,
        actor("platform", "PlatformMSP").address: FEE,
    }
    (trade_id,) = [key.removeprefix("trade/") for key in done.state if key.startswith("trade/")]
    trade = accounts.trade(done, trade_id)
    assert (trade["state"], trade["outcome"]) == ("SETTLED", "confirmed")
    assert [step["function"] for step in trade["steps"]] == [
        *("trade.pay", "trade.charge", "trade.send", "trade.relay", "trade.confirm"),
    ]
    assert accounts.listing(done, trade["listing"])["owners"] == [actor("seller").address, actor("buyer").address]


def dropped(blocks: list[Block]) -> list[Block]:
    return blocks[:4] + blocks[5:]


def swapped(blocks: list[Block]) -> list[Block]:
    return [*blocks[:7], blocks[8], blocks[7], *blocks[9:]]


def late_payment_called_valid(blocks: list[Block]) -> list[Block]:
    return changed(blocks, with_codes(blocks[PAYMENTS], 0, 0))


def good_payment_called_invalid(blocks: list[Block]) -> list[Block]:
    return changed(blocks, with_codes(blocks[PAYMENTS], 11, 0))


def payments_swapped(blocks: list[Block]) -> list[Block]:
    first, second = (one.raw for one in blocks[PAYMENTS].transactions)
    return changed(blocks, remade(blocks[PAYMENTS], [second, first]))


def act_dropped(blocks: list[Block]) -> list[Block]:
    return changed(blocks, remade(blocks[PAYMENTS], [blocks[PAYMENTS].transactions[0].raw]))


def changed(blocks: list[Block], block: Block) -> list[Block]:
    return [*blocks[: block.number], block, *blocks[block.number + 1 :]]


def remade(block: Block, envelopes: list[bytes]) -> Block:
    """The block with other transactions, its data hash made good, signed by nobody."""
    data = build_block(block.number, block.previous_hash, envelopes, last_config=0, orderer=None)
    return parse_block(with_validation_codes(data, [0] * len(envelopes)))


ATTACKS: dict[str, tuple[Callable[[list[Block]], list[Block]], str, int]] = {
    "block dropped": (dropped, "wrong_number", 5),
    "blocks swapped": (swapped, "wrong_number", 8),
    "late payment called valid": (late_payment_called_valid, "validation_differs", PAYMENTS),
    "good payment called invalid": (good_payment_called_invalid, "validation_differs", PAYMENTS),
    "payments swapped": (payments_swapped, "orderer_signature", PAYMENTS),
    "payment dropped": (act_dropped, "orderer_signature", PAYMENTS),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_done_to_them_is_found_and_located(attack: str) -> None:
    forge, code, block = ATTACKS[attack]
    with pytest.raises(AuditError) as caught:
        replay(forge(BLOCKS))
    assert (caught.value.code, caught.value.block) == (code, block)


def test_block_that_another_orderer_signed_is_found(network: Network) -> None:
    old = BLOCKS[PAYMENTS]
    envelopes = [one.raw for one in old.transactions]
    data = build_block(old.number, old.previous_hash, envelopes, last_config=0, orderer=network.orderer)
    with pytest.raises(AuditError, match="orderer"):
        replay(changed(BLOCKS, parse_block(with_validation_codes(data, [0, 11]))))


def test_flipped_bit_in_a_transaction_is_found() -> None:
    """Every 499th byte of an envelope, which meets header, arguments, results and signatures."""
    block = BLOCKS[PAYMENTS]
    raw = block.transactions[0].raw
    start = block.serialized.index(raw)
    for offset in range(0, len(raw), 499):
        data = bytearray(block.serialized)
        data[start + offset] ^= 0x10
        with pytest.raises((AuditError, BlockError)):
            replay(changed(BLOCKS, parse_block(bytes(data))))


def test_state_is_what_the_contracts_said() -> None:
    state = replay(BLOCKS).state
    assert json.loads(state["epoch"])["n"] == 1
    assert json.loads(state["market/config"])["currency"] == {"code": "EUR", "exponent": 2}
    assert len([key for key in state if key.startswith("account/")]) == 6
