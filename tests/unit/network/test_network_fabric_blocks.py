"""Blocks that Fabric's own orderer and peers made: every check of ours holds on them, and the values are there."""

from dataclasses import replace

import pytest

from countermark.network.blocks import (
    SignedBy,
    all_of,
    any_of,
    read_config,
    verify_commit_hash,
    verify_creator,
    verify_data_hash,
    verify_endorsements,
    verify_link,
    verify_orderers,
)
from countermark.network.errors import BlockError
from countermark.network.identities import Role
from tests.fixtures.fabric_blocks import RECORDED, pack, recorded

GENESIS, *BLOCKS = recorded()
CONFIG = read_config(GENESIS)
TRANSACTIONS = [(block.number, transaction) for block in BLOCKS for transaction in block.transactions]
MARKET = [transaction for _, transaction in TRANSACTIONS if transaction.chaincode == "countermark"]


def test_they_are_what_the_story_says() -> None:
    told = [[one.function for one in block.transactions] for block in BLOCKS]
    assert told == [
        *[["ApproveChaincodeDefinitionForMyOrg"]] * 3,
        ["CommitChaincodeDefinition"],
        ["market.init"],
        ["account.open"] * 6,
        ["listing.create", "coin.mint", "coin.mint", "coin.mint"],
        ["trade.pay", "trade.pay"],
        ["trade.charge"],
        ["trade.send"],
        ["trade.relay"],
        ["trade.confirm"],
    ]


def test_fixture_is_small_and_comes_back_as_it_was_kept() -> None:
    assert RECORDED.stat().st_size < 100_000
    assert pack([block.serialized for block in recorded()]) == RECORDED.read_bytes()


def test_genesis_block_tells_the_organisations_and_the_orderers() -> None:
    assert CONFIG.channel == "market"
    assert CONFIG.organisations.msp_ids == ("PlatformMSP", "SupervisorMSP", "TraderMSP")
    assert CONFIG.orderers.msp_ids == ("OrdererMSP",)


def test_blocks_form_a_chain_that_the_orderer_signed() -> None:
    previous = GENESIS
    for block in BLOCKS:
        verify_link(block, number=previous.number + 1, previous_hash=previous.header_hash)
        verify_data_hash(block)
        (orderer,) = verify_orderers(block, CONFIG)
        assert (orderer.msp_id, orderer.role) == ("OrdererMSP", Role.ORDERER)
        assert block.last_config == 0
        previous = block


def test_orderers_signature_is_of_that_block_alone() -> None:
    first, second = BLOCKS[:2]
    with pytest.raises(BlockError):
        verify_link(second, number=1, previous_hash=GENESIS.header_hash)
    with pytest.raises(BlockError, match="too few orderers signed: 0"):
        verify_orderers(first, replace(CONFIG, orderers=CONFIG.organisations))


def test_peers_running_hash_in_every_block_after_the_first_is_the_one_that_we_compute() -> None:
    assert GENESIS.commit_hash == b""
    previous = b""
    for block in BLOCKS:
        verify_commit_hash(block, previous=previous)
        assert block.commit_hash
        previous = block.commit_hash


@pytest.mark.parametrize("number", range(1, len(BLOCKS) + 1))
def test_a_changed_verdict_does_not_fit_the_peers_running_hash(number: int) -> None:
    block, previous = BLOCKS[number - 1], recorded()[number - 1].commit_hash
    first, *others = block.transactions
    changed = replace(block, transactions=(replace(first, validation_code=11), *others))
    with pytest.raises(BlockError, match="commit_hash_mismatch"):
        verify_commit_hash(changed, previous=previous)
    with pytest.raises(BlockError, match="commit_hash_mismatch"):
        verify_commit_hash(block, previous=b"x" * 32)


def test_creators_and_endorsers_hold_by_the_channels_own_configuration() -> None:
    for number, transaction in TRANSACTIONS:
        creator = verify_creator(number, transaction, CONFIG.organisations)
        lifecycle = transaction.chaincode == "_lifecycle"
        assert creator.role is (Role.ADMIN if lifecycle else Role.CLIENT)
        assert creator.msp_id == transaction.creator_msp
        assert transaction.channel == "market"
        if not lifecycle:
            policy = all_of(SignedBy("SupervisorMSP"), any_of(SignedBy("PlatformMSP"), SignedBy("TraderMSP")))
            members = verify_endorsements(number, transaction, CONFIG.organisations, policy)
            assert {member.role for member in members} == {Role.PEER}


def test_only_who_paid_too_late_is_invalid() -> None:
    invalid = [(number, one.function, one.code_name) for number, one in TRANSACTIONS if not one.valid]
    ((number, function, code),) = invalid
    assert (function, code) == ("trade.pay", "MVCC_READ_CONFLICT")
    first, second = BLOCKS[number - 1].transactions
    assert (first.valid, second.valid) == (True, False)


def test_reads_carry_the_versions_of_the_blocks_that_wrote_them() -> None:
    writers = {
        write.key: (number, transaction.position)
        for number, transaction in TRANSACTIONS[:-1]
        if transaction.valid
        for write in transaction.writes
    }
    confirm = MARKET[-1]
    versions = {read.key: read.version for read in confirm.reads}
    trade = next(key for key in versions if key.startswith("trade/"))
    assert versions[trade] == writers[trade]
    assert versions["epoch"] == writers["epoch"]
    assert None in versions.values(), "its intent was not there before"


@pytest.mark.parametrize("function", ["market.init", "listing.create"])
def test_private_writes_show_as_hashes_and_nothing_else(function: str) -> None:
    (transaction,) = [one for one in MARKET if one.function == function]
    (hashes,) = transaction.private_hashes
    assert (hashes.namespace, hashes.collection) == ("countermark", "fingerprints")
    assert {len(write.key_hash) for write in hashes.writes} == {32}
    assert {len(write.value_hash) for write in hashes.writes} == {32}
    assert b"salt_f" not in transaction.raw


def test_every_act_has_its_answer_and_its_event() -> None:
    for transaction in MARKET:
        assert transaction.response_status == 200
        assert transaction.event is not None
        assert (transaction.event.name, transaction.event.tx_id) == (transaction.function, transaction.tx_id)
        assert transaction.args, "the arguments stand in the block"


def test_approvals_write_to_the_organisations_own_collections() -> None:
    collections = [
        hashes.collection
        for block in BLOCKS[:3]
        for transaction in block.transactions
        for hashes in transaction.private_hashes
        if hashes.writes
    ]
    assert collections == [f"_implicit_org_{msp_id}" for msp_id in ("PlatformMSP", "SupervisorMSP", "TraderMSP")]
