"""A channel of native Fabric that an organisation joined: what its orderers and peers made of it holds for us."""

from collections.abc import Callable

import pytest

from countermark.audit.errors import AuditError
from countermark.audit.replay import Replay
from countermark.network.blocks import (
    Block,
    OutOf,
    SignedBy,
    build_block,
    parse_block,
    read_config,
    read_definition,
    verify_commit_hash,
    verify_config,
    verify_orderers,
    with_validation_codes,
)
from countermark.network.blocks.configs import last_update
from countermark.network.configuration import ConfigUpdate, describe, needed
from countermark.network.errors import BlockError
from countermark.network.identities import Role
from tests.fixtures.fabric_blocks import JOINED, pack, recorded
from tests.support.market import actor
from tests.unit.audit.chains import with_codes

BLOCKS = list(recorded(JOINED))
JOIN = next(block.number for block in BLOCKS[1:] if block.transactions[0].kind == "config")
DEFINED, REDEFINED = (
    block.number for block in BLOCKS if block.transactions[0].function == "CommitChaincodeDefinition"
)
BETWEEN, AFTER = JOIN + 1, REDEFINED + 1
"""Blocks whose transaction the newcomer submits: endorsed by others, and by his own peer."""
FOUR = ("FourthMSP", "PlatformMSP", "SupervisorMSP", "TraderMSP")


def replay(blocks: list[Block]) -> Replay:
    genesis = BLOCKS[0].header_hash
    audit = Replay(genesis=genesis, chaincode="countermark", platform="PlatformMSP", supervisor="SupervisorMSP")
    audit.apply_all(blocks)
    return audit


def test_fixture_is_small_and_comes_back_as_it_was_kept() -> None:
    assert JOINED.stat().st_size < 100_000
    assert pack([block.serialized for block in BLOCKS]) == JOINED.read_bytes()


def test_every_block_holds_and_the_newcomer_submits_and_endorses() -> None:
    audit = replay(BLOCKS)
    assert (audit.height, audit.invalid) == (len(BLOCKS), 0)
    early, late = (audit.history[f"account/{actor(name, 'FourthMSP').address}"][0] for name in ("early", "late"))
    assert early.transaction.creator_msp == late.transaction.creator_msp == "FourthMSP"
    assert early.endorsers == ("PlatformMSP", "SupervisorMSP")
    assert late.endorsers == ("FourthMSP", "SupervisorMSP")


def test_the_configuration_that_fabrics_orderer_made_is_the_one_that_we_compute() -> None:
    before = read_config(BLOCKS[0])
    after = verify_config(BLOCKS[JOIN], before)
    assert (before.sequence, after.sequence) == (0, 1)
    assert after.group == read_config(BLOCKS[JOIN]).group
    assert after.organisations.msp_ids == FOUR
    (orderer,) = verify_orderers(BLOCKS[JOIN], before)
    assert orderer.role is Role.ORDERER
    update = last_update(BLOCKS[JOIN])
    assert update is not None
    assert needed(before, ConfigUpdate("joining", update)) == ("/Channel/Application/Admins",)
    told = describe(before, ConfigUpdate("joining", update))
    assert told[0] == "Application/FourthMSP: added"
    assert {line.partition(":")[0].rpartition("/")[0] for line in told[1:]} == {"Application/FourthMSP"}


def test_definitions_are_read_as_they_were_committed() -> None:
    state: dict[str, bytes] = {}
    found = []
    for block in BLOCKS:
        for transaction in block.transactions:
            state |= {write.key: write.value for write in transaction.writes if write.namespace == "_lifecycle"}
        found.append(read_definition("countermark", state, read_config(BLOCKS[0])))
    assert found[:DEFINED] == [None] * DEFINED
    first, second = found[DEFINED], found[AFTER]
    assert first is not None
    assert second is not None
    assert found[JOIN] == first
    assert (first.sequence, second.sequence) == (1, 2)
    assert [len(_others(one.policy)) for one in (first, second)] == [2, 3]
    assert list(first.collections) == list(second.collections) == ["fingerprints"]


def _others(policy: object) -> tuple[object, ...]:
    assert isinstance(policy, OutOf)
    supervisor, others = policy.rules
    assert supervisor == SignedBy("SupervisorMSP")
    assert isinstance(others, OutOf)
    return others.rules


def test_peers_running_hash_goes_on_over_a_configuration() -> None:
    previous = b""
    for block in BLOCKS[1:]:
        verify_commit_hash(block, previous=previous)
        previous = block.commit_hash


def remade(blocks: list[Block], *envelopes: bytes, last_config: int | None = None) -> Block:
    """The block that would follow `blocks`, with other transactions, signed by nobody."""
    number = len(blocks)
    index = blocks[-1].last_config if last_config is None else last_config
    data = build_block(number, blocks[-1].header_hash, envelopes, last_config=index, orderer=None)
    return parse_block(with_validation_codes(data, [0] * len(envelopes)))


def without_the_join(blocks: list[Block]) -> list[Block]:
    return [*blocks[:JOIN], remade(blocks[:JOIN], blocks[BETWEEN].transactions[0].raw)]


def join_dropped(blocks: list[Block]) -> list[Block]:
    return [*blocks[:JOIN], *blocks[BETWEEN:]]


def join_later(blocks: list[Block]) -> list[Block]:
    return [*blocks[:JOIN], blocks[BETWEEN], blocks[JOIN], *blocks[BETWEEN + 1 :]]


def join_called_invalid(blocks: list[Block]) -> list[Block]:
    return [*blocks[:JOIN], with_codes(blocks[JOIN], 24), *blocks[BETWEEN:]]


def new_policy_called_invalid(blocks: list[Block]) -> list[Block]:
    return [*blocks[:REDEFINED], with_codes(blocks[REDEFINED], 10), *blocks[AFTER:]]


def newcomers_endorsement_called_invalid(blocks: list[Block]) -> list[Block]:
    return [*blocks[:AFTER], with_codes(blocks[AFTER], 10)]


ATTACKS: dict[str, tuple[Callable[[list[Block]], list[Block]], str, int]] = {
    "a transaction of the newcomer instead of his joining": (without_the_join, "orderer_signature", JOIN),
    "the joining dropped": (join_dropped, "wrong_number", BETWEEN),
    "the joining put off": (join_later, "wrong_number", BETWEEN),
    "the joining called invalid": (join_called_invalid, "validation_differs", JOIN),
    "the new policy called invalid": (new_policy_called_invalid, "validation_differs", REDEFINED),
    "the newcomer's endorsement called invalid": (newcomers_endorsement_called_invalid, "validation_differs", AFTER),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_done_to_them_is_found_and_located(attack: str) -> None:
    forge, code, block = ATTACKS[attack]
    with pytest.raises(AuditError) as caught:
        replay(forge(BLOCKS))
    assert (caught.value.code, caught.value.block) == (code, block)


def test_flipped_bit_in_a_configuration_is_found() -> None:
    block = BLOCKS[JOIN]
    raw = block.transactions[0].raw
    start = block.serialized.index(raw)
    for offset in range(0, len(raw), 397):
        data = bytearray(block.serialized)
        data[start + offset] ^= 0x10
        with pytest.raises((AuditError, BlockError)):
            replay([*BLOCKS[:JOIN], parse_block(bytes(data))])
