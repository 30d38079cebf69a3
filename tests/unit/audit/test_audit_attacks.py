"""Attacks on a ledger, each of which an auditor's replay finds and says where."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fabric_protos.common import common_pb2

from countermark.network.blocks import Block, parse_block
from countermark.network.envelopes import (
    EndorsedTransaction,
    Endorsement,
    Envelope,
    Header,
    HeaderType,
    build_header,
    build_payload,
    endorse,
    sign_payload,
)
from countermark.network.identities import Organisation, Role
from tests.unit.audit.chains import (
    Act,
    Chain,
    altered,
    envelope,
    pay,
    reendorsed,
    with_codes,
)
from tests.unit.network.consortium import CHANNEL, Network, now_ms

Attack = Callable[[Chain], list[Block]]


def _endorsements(chain: Chain, number: int) -> list[Endorsement]:
    raw = chain.blocks[number].transactions[0].raw
    return list(EndorsedTransaction.parse(Envelope.parse(raw)).endorsements)


# Blocks


def drop_transaction(chain: Chain) -> list[Block]:
    block = chain.blocks[2]
    return [*chain.blocks[:2], replace(block, transactions=block.transactions[:1]), *chain.blocks[3:]]


def drop_transaction_and_make_the_hashes_good(chain: Chain) -> list[Block]:
    return chain.remade(3, lambda _: [envelope(chain.network, Act("market.show"))])


def swap_transactions(chain: Chain) -> list[Block]:
    block = chain.blocks[2]
    return [*chain.blocks[:2], replace(block, transactions=block.transactions[::-1]), *chain.blocks[3:]]


def swap_blocks(chain: Chain) -> list[Block]:
    blocks = chain.blocks
    return [blocks[0], blocks[2], blocks[1], *blocks[3:]]


def swap_blocks_and_their_numbers(chain: Chain) -> list[Block]:
    blocks = chain.blocks
    return [blocks[0], replace(blocks[2], number=1), replace(blocks[1], number=2), *blocks[3:]]


def leave_a_block_out(chain: Chain) -> list[Block]:
    return [*chain.blocks[:2], *chain.blocks[3:]]


def begin_without_the_genesis_block(chain: Chain) -> list[Block]:
    return chain.blocks[1:]


def begin_with_another_genesis_block(chain: Chain) -> list[Block]:
    """A whole ledger of a consortium that somebody has made for himself, with the same names."""
    other = chain.network.genesis()
    assert other.header_hash != chain.blocks[0].header_hash
    forged = Chain(chain.network, [other])
    for block in chain.blocks[1:]:
        forged.add(*(one.raw for one in block.transactions))
    return forged.blocks


def _recut(chain: Chain, pieces: list[bytes]) -> list[Block]:
    """Cut the bytes of block 2 in other places: header, data hash and signatures still hold."""
    wire = common_pb2.Block.FromString(chain.blocks[2].serialized)
    assert b"".join(pieces) == b"".join(wire.data.data)
    del wire.data.data[:]
    wire.data.data.extend(pieces)
    wire.metadata.metadata[2] = bytes([4]) * len(pieces)
    forged = parse_block(wire.SerializeToString())
    assert forged.header_hash == chain.blocks[2].header_hash
    return [*chain.blocks[:2], forged, *chain.blocks[3:]]


def cut_envelopes_between_payload_and_signature(chain: Chain) -> list[Block]:
    pieces = []
    for one in chain.blocks[2].transactions:
        assert one.envelope is not None
        payload = common_pb2.Envelope(payload=one.envelope.payload).SerializeToString()
        pieces += [payload, one.raw[len(payload) :]]
    return _recut(chain, pieces)


def join_two_envelopes_into_one(chain: Chain) -> list[Block]:
    first, second, *others = (one.raw for one in chain.blocks[2].transactions)
    return _recut(chain, [first + second, *others])


def repeat_a_block(chain: Chain) -> list[Block]:
    return [*chain.blocks, chain.blocks[-1]]


def forge_the_orderers_signature(chain: Chain) -> list[Block]:
    block = chain.blocks[2]
    (one,) = block.orderer_signatures
    forged = replace(one, signature=chain.blocks[3].orderer_signatures[0].signature)
    return [*chain.blocks[:2], replace(block, orderer_signatures=(forged,)), *chain.blocks[3:]]


def leave_the_orderers_signature_out(chain: Chain) -> list[Block]:
    return [*chain.blocks[:2], replace(chain.blocks[2], orderer_signatures=()), *chain.blocks[3:]]


def let_a_peer_order(chain: Chain) -> list[Block]:
    return chain.add(pay(), orderer=chain.network.peer("platform")).blocks


def configure_the_channel_as_nobody(chain: Chain) -> list[Block]:
    return chain.add(chain.blocks[0].transactions[0].raw).blocks


# Verdicts


def call_an_invalid_transaction_valid(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), reads=(("coin/b.1", (3, 0)),))).blocks


def call_a_valid_transaction_invalid(chain: Chain) -> list[Block]:
    return [*chain.blocks[:4], with_codes(chain.blocks[4], 11)]


def commit_the_same_transaction_twice(chain: Chain) -> list[Block]:
    return chain.add(chain.blocks[2].transactions[1].raw).blocks


def spend_a_coin_twice(chain: Chain) -> list[Block]:
    return chain.add(pay(), pay()).blocks


def commit_what_the_contracts_refused(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), status=500)).blocks


def commit_a_transaction_of_another_channel(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), channel="other")).blocks


def commit_a_transaction_of_another_chaincode(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), chaincode="other")).blocks


def let_a_peer_submit(chain: Chain) -> list[Block]:
    return chain.add(envelope(chain.network, pay(), chain.network.peer("trader"))).blocks


def submit_with_a_forged_signature(chain: Chain) -> list[Block]:
    one = Envelope.parse(envelope(chain.network, pay()))
    return chain.add(replace(one, signature=chain.network.client().sign(b"else")).serialized).blocks


# Endorsements


def endorse_by_the_platform_only(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), endorsers=("platform",))).blocks


def endorse_by_the_supervisor_only(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), endorsers=("supervisor",))).blocks


def endorse_by_the_platform_twice(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), endorsers=("platform", "platform"))).blocks


def endorse_without_the_supervisor(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), endorsers=("platform", "trader"))).blocks


def endorse_by_nobody(chain: Chain) -> list[Block]:
    return chain.add(replace(pay(), endorsers=())).blocks


def endorse_with_a_clients_key(chain: Chain) -> list[Block]:
    def change(all_: list[Endorsement]) -> list[Endorsement]:
        raw = chain.blocks[4].transactions[0].raw
        payload = EndorsedTransaction.parse(Envelope.parse(raw)).response.serialized
        return [all_[0], endorse(chain.network.client("supervisor"), payload)]

    return chain.remade(4, lambda all_: [reendorsed(chain.network, all_[0], change)])


def endorse_with_an_organisation_of_the_same_name(chain: Chain, tmp: "list[Organisation]") -> list[Block]:
    (impostor,) = tmp

    def change(all_: list[Endorsement]) -> list[Endorsement]:
        raw = chain.blocks[4].transactions[0].raw
        payload = EndorsedTransaction.parse(Envelope.parse(raw)).response.serialized
        return [all_[0], endorse(impostor.identity("peer0"), payload)]

    return chain.remade(4, lambda all_: [reendorsed(chain.network, all_[0], change)])


def swap_an_endorsement(chain: Chain) -> list[Block]:
    other = _endorsements(chain, 3)[1]
    return chain.remade(4, lambda all_: [reendorsed(chain.network, all_[0], lambda own: [own[0], other])])


def remove_an_endorsement(chain: Chain) -> list[Block]:
    return chain.remade(4, lambda all_: [reendorsed(chain.network, all_[0], lambda own: own[:1])])


def alter_a_value_and_endorse_by_the_platform(chain: Chain) -> list[Block]:
    return chain.remade(4, lambda all_: [altered(chain.network, all_[0], b'"700"', b'"900"', signer="platform")])


def alter_a_value_and_endorse_by_the_supervisor(chain: Chain) -> list[Block]:
    return chain.remade(4, lambda all_: [altered(chain.network, all_[0], b'"700"', b'"900"', signer="supervisor")])


def write_for_another_chaincode(chain: Chain) -> list[Block]:
    return chain.add(Act("clock.tick", writes=(("epoch", {"n": 2}),), namespace="other")).blocks


DIFFERS = "validation_differs"

ATTACKS: dict[Attack, tuple[str, int, int]] = {
    drop_transaction: ("data_hash_mismatch", 2, -1),
    drop_transaction_and_make_the_hashes_good: (DIFFERS, 4, 0),
    swap_transactions: ("data_hash_mismatch", 2, -1),
    swap_blocks: ("wrong_number", 2, -1),
    swap_blocks_and_their_numbers: ("broken_chain", 1, -1),
    leave_a_block_out: ("wrong_number", 3, -1),
    begin_without_the_genesis_block: ("wrong_number", 1, -1),
    begin_with_another_genesis_block: ("genesis_differs", 0, -1),
    cut_envelopes_between_payload_and_signature: ("not_well_formed", 2, 0),
    join_two_envelopes_into_one: ("not_well_formed", 2, 0),
    repeat_a_block: ("wrong_number", 4, -1),
    forge_the_orderers_signature: ("orderer_signature", 2, -1),
    leave_the_orderers_signature_out: ("orderer_signature", 2, -1),
    let_a_peer_order: ("orderer_signature", 5, -1),
    configure_the_channel_as_nobody: ("malformed_identity", 5, 0),
    call_an_invalid_transaction_valid: (DIFFERS, 5, 0),
    call_a_valid_transaction_invalid: (DIFFERS, 4, 0),
    commit_the_same_transaction_twice: (DIFFERS, 5, 0),
    spend_a_coin_twice: (DIFFERS, 5, 1),
    commit_what_the_contracts_refused: (DIFFERS, 5, 0),
    commit_a_transaction_of_another_channel: (DIFFERS, 5, 0),
    commit_a_transaction_of_another_chaincode: (DIFFERS, 5, 0),
    let_a_peer_submit: (DIFFERS, 5, 0),
    submit_with_a_forged_signature: (DIFFERS, 5, 0),
    endorse_by_the_platform_only: (DIFFERS, 5, 0),
    endorse_by_the_supervisor_only: (DIFFERS, 5, 0),
    endorse_by_the_platform_twice: (DIFFERS, 5, 0),
    endorse_without_the_supervisor: (DIFFERS, 5, 0),
    endorse_by_nobody: (DIFFERS, 5, 0),
    endorse_with_a_clients_key: (DIFFERS, 4, 0),
    swap_an_endorsement: (DIFFERS, 4, 0),
    remove_an_endorsement: (DIFFERS, 4, 0),
    alter_a_value_and_endorse_by_the_platform: (DIFFERS, 4, 0),
    alter_a_value_and_endorse_by_the_supervisor: (DIFFERS, 4, 0),
    write_for_another_chaincode: (DIFFERS, 5, 0),
}


@pytest.mark.requirement("R11", "R17")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_is_found_and_located(attack: Attack, chain: Chain, located: list[str]) -> None:
    assert chain.found(attack(chain)) == ATTACKS[attack]
    located.append(attack.__name__)


def test_an_organisation_of_the_same_name_with_its_own_root_does_not_count(
    chain: Chain, tmp_path_factory: pytest.TempPathFactory
) -> None:
    impostor = Organisation.create(tmp_path_factory.mktemp("impostor"), "SupervisorMSP", "supervisor.example")
    impostor.issue("peer0", Role.PEER)
    blocks = endorse_with_an_organisation_of_the_same_name(chain, [impostor])
    assert chain.found(blocks) == (DIFFERS, 4, 0)


def test_there_is_no_false_alarm(chain: Chain) -> None:
    chain.add(pay())
    audit = chain.replay()
    assert (audit.height, audit.transactions, audit.invalid) == (6, 9, 0)
    assert audit.tip == chain.blocks[-1].header_hash
    assert audit.genesis == chain.blocks[0].header_hash


def _claiming(network: Network, tx_id: str) -> bytes:
    """An envelope of a member who claims the transaction id of another."""
    client = network.client("trader")
    header = build_header(client, HeaderType.ENDORSER_TRANSACTION, CHANNEL, now_ms=now_ms(), chaincode="countermark")
    channel = common_pb2.ChannelHeader.FromString(header.channel_header)
    channel.tx_id = tx_id
    forged = Header.of(channel.SerializeToString(), header.signature_header)
    return sign_payload(client, build_payload(forged, b"")).serialized


@pytest.mark.parametrize(
    ("blocks", "codes"),
    [
        # Within a block only what holds so far uses up an id, whatever becomes of what it read.
        ([["forged", "good"]], [[4, 0]]),
        ([["claimed", "good"]], [[8, 0]]),
        ([["unendorsed", "good"]], [[10, 0]]),
        ([["good", "unendorsed"]], [[0, 10]]),
        ([["good", "good"]], [[0, 9]]),
        ([["stale", "stale"]], [[11, 9]]),
        # Across blocks every envelope that can be read does, whoever signed it.
        ([["forged"], ["good"]], [[4], [9]]),
        ([["claimed"], ["good"]], [[8], [9]]),
        ([["unendorsed"], ["good"]], [[10], [9]]),
        ([["good"], ["good"]], [[0], [9]]),
        ([["stale"], ["stale"]], [[11], [9]]),
        ([["rubbish"], ["good"]], [[2], [0]]),
    ],
)
def test_a_transaction_id_is_used_up_as_on_fabric(
    chain: Chain, blocks: list[list[str]], codes: list[list[int]]
) -> None:
    good = envelope(chain.network, pay())
    parsed = Envelope.parse(good)
    made = {
        "good": good,
        "forged": replace(parsed, signature=chain.network.client().sign(b"else")).serialized,
        "claimed": _claiming(chain.network, parsed.header.tx_id),
        "unendorsed": reendorsed(chain.network, good, lambda own: own[:1]),
        "stale": envelope(chain.network, replace(pay(), reads=(("coin/b.1", None),))),
        "rubbish": common_pb2.Envelope(payload=b"\xff", signature=b"\xff").SerializeToString(),
    }
    for names, verdicts in zip(blocks, codes, strict=True):
        chain.add(*(made[name] for name in names), codes=verdicts)
    chain.replay()


@pytest.mark.parametrize("time_ms", [0, 4_102_444_800_000, 253_402_300_799_000])
def test_rubbish_with_any_time_in_it_does_not_stop_the_audit(chain: Chain, time_ms: int) -> None:
    """The client's clock says nothing of the orderers' certificates, nor of anybody else's."""
    client = chain.network.client("trader")
    header = build_header(client, HeaderType.ENDORSER_TRANSACTION, CHANNEL, now_ms=time_ms, chaincode="countermark")
    rubbish = sign_payload(client, build_payload(header, b"")).serialized
    chain.add(pay(), rubbish, codes=[0, 5]).add(rubbish, codes=[9])
    assert chain.replay().invalid == 2


def test_a_client_who_signs_as_an_endorser_is_not_told_as_one(chain: Chain) -> None:
    raw = envelope(chain.network, pay())
    payload = EndorsedTransaction.parse(Envelope.parse(raw)).response.serialized
    also = endorse(chain.network.client("trader"), payload)
    chain.add(reendorsed(chain.network, raw, lambda own: [*own, also]))
    (change,) = chain.replay().history["coin/c.0"]
    assert change.endorsers == ("PlatformMSP", "SupervisorMSP")


def test_rubbish_and_refused_transactions_that_the_peer_called_invalid_change_nothing(chain: Chain) -> None:
    before = dict(chain.replay().state)
    stale = replace(pay(), reads=(("coin/b.1", None),))
    rubbish = common_pb2.Envelope(payload=b"\xff", signature=b"\xff").SerializeToString()
    chain.add(rubbish, stale, replace(pay(), endorsers=("trader",)), codes=[2, 11, 10])
    audit = chain.replay()
    assert audit.state == before
    assert audit.invalid == 3


def test_a_query_and_a_repeated_intent_that_were_submitted_are_no_offence(chain: Chain) -> None:
    paid = pay()
    chain.add(paid).add(Act("market.show"), replace(paid, reads=(), writes=()))
    assert chain.replay().transactions == 11
