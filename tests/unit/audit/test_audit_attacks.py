"""Attacks on a ledger, each of which an auditor's replay finds and says where."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fabric_protos.common import common_pb2

from countermark.audit.errors import AuditError
from countermark.audit.money import count_money
from countermark.audit.replay import Replay
from countermark.network.blocks import Block
from countermark.network.envelopes import EndorsedTransaction, Endorsement, Envelope, endorse
from countermark.network.identities import Organisation, Role
from countermark.protocol.accounts import AccountKey
from tests.support.market import actor
from tests.unit.audit.chains import Act, Chain, altered, by, envelope, intent, reendorsed, with_codes
from tests.unit.network.consortium import CHAINCODE, now_ms

Attack = Callable[[Chain], list[Block]]


def replay(blocks: list[Block]) -> Replay:
    """Replay `blocks` to the end, the money included."""
    audit = Replay(chaincode=CHAINCODE, platform="PlatformMSP", supervisor="SupervisorMSP")
    audit.apply_all(blocks)
    count_money(audit)
    return audit


def found(blocks: list[Block]) -> tuple[str, int, int]:
    with pytest.raises(AuditError) as caught:
        replay(blocks)
    return caught.value.code, caught.value.block, caught.value.transaction


def _pay(who: str | AccountKey = "buyer", amount: int = 100) -> Act:
    """A payment to the seller that is in order, out of what the buyer has left in the chain of the fixture."""
    seller, buyer = actor("seller").address, actor("buyer").address
    return by(
        who,
        "coin.transfer",
        {"to": seller, "amount": str(amount)},
        reads=(("coin/b.1", (4, 0)),),
        writes=(
            ("coin/b.1", None),
            ("coin/c.0", {"owner": seller, "amount": str(amount)}),
            ("coin/c.1", {"owner": buyer, "amount": str(700 - amount)}),
        ),
    )


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
    return chain.add(_pay(), orderer=chain.network.peer("platform")).blocks


def reconfigure_the_channel(chain: Chain) -> list[Block]:
    return chain.add(chain.blocks[0].transactions[0].raw).blocks


# Verdicts


def call_an_invalid_transaction_valid(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), reads=(("coin/b.1", (3, 0)),))).blocks


def call_a_valid_transaction_invalid(chain: Chain) -> list[Block]:
    return [*chain.blocks[:4], with_codes(chain.blocks[4], 11)]


def commit_the_same_transaction_twice(chain: Chain) -> list[Block]:
    return chain.add(chain.blocks[2].transactions[1].raw).blocks


def spend_a_coin_twice(chain: Chain) -> list[Block]:
    return chain.add(_pay(), _pay()).blocks


def commit_what_the_contracts_refused(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), status=500)).blocks


def commit_a_transaction_of_another_channel(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), channel="other")).blocks


def commit_a_transaction_of_another_chaincode(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), chaincode="other")).blocks


def let_a_peer_submit(chain: Chain) -> list[Block]:
    return chain.add(envelope(chain.network, _pay(), chain.network.peer("trader"))).blocks


def submit_with_a_forged_signature(chain: Chain) -> list[Block]:
    one = Envelope.parse(envelope(chain.network, _pay()))
    return chain.add(replace(one, signature=chain.network.client().sign(b"else")).serialized).blocks


# Endorsements


def endorse_by_the_platform_only(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), endorsers=("platform",))).blocks


def endorse_by_the_supervisor_only(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), endorsers=("supervisor",))).blocks


def endorse_by_the_platform_twice(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), endorsers=("platform", "platform"))).blocks


def endorse_without_the_supervisor(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), endorsers=("platform", "trader"))).blocks


def endorse_by_nobody(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), endorsers=())).blocks


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


# What even two organisations together may not do


def extra_coin(chain: Chain) -> list[Block]:
    act = _pay()
    mine = ("coin/c.2", {"owner": actor("platform").address, "amount": "1"})
    return chain.add(replace(act, writes=(*act.writes, mine))).blocks


def lose_the_change(chain: Chain) -> list[Block]:
    act = _pay()
    return chain.add(replace(act, writes=act.writes[:-1])).blocks


def raise_a_coin_in_place(chain: Chain) -> list[Block]:
    more = ("coin/b.0", {"owner": actor("seller").address, "amount": "301"})
    return chain.add(Act("clock.tick", writes=(("epoch", {"n": 2}), more))).blocks


def raise_a_deposit_later(chain: Chain) -> list[Block]:
    return chain.add(Act("clock.tick", writes=(("deposit/PlatformMSP/one", {"amount": "2000"}),))).blocks


def act_without_an_intent(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), args=())).blocks


def act_by_an_intent_for_something_else(chain: Chain) -> list[Block]:
    token = intent("buyer", "listing.withdraw", {"listing": "dc1" + "a" * 52})
    return chain.add(replace(_pay(), args=(token, b"{}"))).blocks


def act_by_an_intent_for_another_market(chain: Chain) -> list[Block]:
    token = intent("buyer", "coin.transfer", {"to": actor("seller").address, "amount": "100"}, market="m/other")
    return chain.add(replace(_pay(), args=(token, b"{}"))).blocks


def act_by_a_forged_intent(chain: Chain) -> list[Block]:
    act = _pay()
    header, payload, signature = act.args[0].split(b".")
    other = _pay().args[0].rsplit(b".", 1)[1]
    assert other != signature
    return chain.add(replace(act, args=(b".".join([header, payload, other]), b"{}"))).blocks


def act_by_an_expired_intent(chain: Chain) -> list[Block]:
    params = {"to": actor("seller").address, "amount": "100"}
    token = intent("buyer", "coin.transfer", params, issued_at_ms=now_ms() - 3_600_000)
    return chain.add(replace(_pay(), args=(token, b"{}"))).blocks


def act_twice_by_one_intent(chain: Chain) -> list[Block]:
    seller, buyer = actor("seller").address, actor("buyer").address
    first = _pay()
    second = replace(
        first,
        reads=(("coin/c.1", (5, 0)),),
        writes=(
            ("coin/c.1", None),
            ("coin/d.0", {"owner": seller, "amount": "100"}),
            ("coin/d.1", {"owner": buyer, "amount": "500"}),
        ),
    )
    return chain.add(first).add(second).blocks


def act_by_a_function_that_the_market_does_not_have(chain: Chain) -> list[Block]:
    return chain.add(replace(_pay(), function="coin.take")).blocks


DIFFERS = "validation_differs"

ATTACKS: dict[Attack, tuple[str, int, int]] = {
    drop_transaction: ("data_hash_mismatch", 2, -1),
    drop_transaction_and_make_the_hashes_good: (DIFFERS, 4, 0),
    swap_transactions: ("data_hash_mismatch", 2, -1),
    swap_blocks: ("wrong_number", 2, -1),
    swap_blocks_and_their_numbers: ("broken_chain", 1, -1),
    leave_a_block_out: ("wrong_number", 3, -1),
    begin_without_the_genesis_block: ("wrong_number", 1, -1),
    repeat_a_block: ("wrong_number", 4, -1),
    forge_the_orderers_signature: ("orderer_signature", 2, -1),
    leave_the_orderers_signature_out: ("orderer_signature", 2, -1),
    let_a_peer_order: ("orderer_signature", 5, -1),
    reconfigure_the_channel: ("config_update", 5, -1),
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
    extra_coin: ("money_not_conserved", 5, 0),
    lose_the_change: ("money_not_conserved", 5, 0),
    raise_a_coin_in_place: ("money_not_conserved", 5, 0),
    raise_a_deposit_later: ("money_not_conserved", 5, 0),
    act_without_an_intent: ("intent", 5, 0),
    act_by_an_intent_for_something_else: ("intent", 5, 0),
    act_by_an_intent_for_another_market: ("intent", 5, 0),
    act_by_a_forged_intent: ("intent", 5, 0),
    act_by_an_expired_intent: ("intent", 5, 0),
    act_twice_by_one_intent: ("intent_reused", 6, 0),
    act_by_a_function_that_the_market_does_not_have: ("intent", 5, 0),
}


@pytest.mark.requirement("R11", "R17")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_is_found_and_located(attack: Attack, chain: Chain) -> None:
    assert found(attack(chain)) == ATTACKS[attack]


def test_an_organisation_of_the_same_name_with_its_own_root_does_not_count(
    chain: Chain, tmp_path_factory: pytest.TempPathFactory
) -> None:
    impostor = Organisation.create(tmp_path_factory.mktemp("impostor"), "SupervisorMSP", "supervisor.example")
    impostor.issue("peer0", Role.PEER)
    blocks = endorse_with_an_organisation_of_the_same_name(chain, [impostor])
    assert found(blocks) == (DIFFERS, 4, 0)


def test_there_is_no_false_alarm(chain: Chain) -> None:
    chain.add(_pay())
    audit = replay(chain.blocks)
    assert (audit.height, audit.transactions, audit.invalid) == (6, 7, 0)
    assert audit.tip == chain.blocks[-1].header_hash
    assert audit.genesis == chain.blocks[0].header_hash


def test_an_envelope_that_only_pretends_to_be_a_partys_uses_up_no_transaction_id(chain: Chain) -> None:
    good = envelope(chain.network, _pay())
    forged = replace(Envelope.parse(good), signature=chain.network.client().sign(b"else")).serialized
    chain.add(forged, good, codes=[4, 0])
    assert replay(chain.blocks).invalid == 1


def test_rubbish_and_refused_transactions_that_the_peer_called_invalid_change_nothing(chain: Chain) -> None:
    before = dict(replay(chain.blocks).state)
    stale = replace(_pay(), reads=(("coin/b.1", None),))
    rubbish = common_pb2.Envelope(payload=b"\xff", signature=b"\xff").SerializeToString()
    chain.add(rubbish, stale, replace(_pay(), endorsers=("trader",)), codes=[2, 11, 10])
    audit = replay(chain.blocks)
    assert audit.state == before
    assert audit.invalid == 3


def test_a_query_and_a_repeated_intent_that_were_submitted_are_no_offence(chain: Chain) -> None:
    paid = _pay()
    chain.add(paid).add(Act("market.show"), replace(paid, reads=(), writes=()))
    assert replay(chain.blocks).transactions == 9
