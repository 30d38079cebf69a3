"""Blocks: hashes, parsing what peers and others put into them, and each check of the offline verification."""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from countermark.network.blocks import (
    NOT_VALIDATED,
    Block,
    OutOf,
    Policy,
    PrivateHashes,
    PrivateRead,
    PrivateWrite,
    RangeQuery,
    Read,
    ReadWriteSet,
    SignedBy,
    Write,
    all_of,
    any_of,
    build_block,
    code_name,
    header_bytes,
    header_hash,
    parse_block,
    read_config,
    satisfied,
    verify_creator,
    verify_data_hash,
    verify_endorsements,
    verify_link,
    verify_orderers,
    with_validation_codes,
)
from countermark.network.blocks.policies import policy_message
from countermark.network.envelopes import (
    Envelope,
    Outcome,
    Response,
    assemble,
    build_response_payload,
    endorse,
    sign_payload,
)
from countermark.network.errors import BlockError, EnvelopeError
from countermark.network.identities import Member, Role, SigningIdentity
from tests.support.reconfiguration import wanting
from tests.unit.network.consortium import CHANNEL, MARKET_POLICY, Network

# Hashes


@pytest.mark.parametrize(
    ("number", "previous", "data", "expected"),
    [
        (0, b"", b"", "3007 020100 0400 0400"),
        (1, b"\x01\x02", b"\x03", "300a 020101 04020102 040103"),
        (127, b"", b"", "3007 02017f 0400 0400"),
        (128, b"", b"", "3008 02020080 0400 0400"),
        (2**64 - 1, b"", b"", "300f 020900ffffffffffffffff 0400 0400"),
        (1, b"\x00" * 130, b"", "30818a 020101 048182" + "00" * 130 + "0400"),
    ],
)
def test_the_header_is_hashed_as_asn1(number: int, previous: bytes, data: bytes, expected: str) -> None:
    encoded = bytes.fromhex(expected.replace(" ", ""))
    assert header_bytes(number, previous, data) == encoded
    assert header_hash(number, previous, data) == hashlib.sha256(encoded).digest()


def test_the_data_hash_is_over_the_envelopes_one_after_the_other(network: Network) -> None:
    envelopes = [network.transaction(network.propose()) for _ in range(3)]
    block = network.block(1, b"p", envelopes)
    assert block.data_hash == hashlib.sha256(b"".join(envelopes)).digest()


# Parsing


def _rwset(**fields: object) -> bytes:
    public = kv_rwset_pb2.KVRWSet(**fields)  # type: ignore[call-overload]  # fields by name
    space = rwset_pb2.NsReadWriteSet(namespace="countermark", rwset=public.SerializeToString())
    return rwset_pb2.TxReadWriteSet(ns_rwset=[space]).SerializeToString()


def test_a_transaction_shows_what_was_called_and_changed(network: Network) -> None:
    version = kv_rwset_pb2.Version(block_num=0, tx_num=0)
    results = _rwset(
        reads=[kv_rwset_pb2.KVRead(key="epoch", version=version), kv_rwset_pb2.KVRead(key="new")],
        writes=[
            kv_rwset_pb2.KVWrite(key="trade/x", value=b"{}"),
            kv_rwset_pb2.KVWrite(key="coin/y", is_delete=True),
        ],
    )
    proposal = network.propose("trade.pay", b"intent", b"{}", client="trader")
    raw = network.transaction(proposal, client="trader", results=results)
    (transaction,) = network.block(4, b"p", [raw]).transactions
    assert transaction.valid
    assert transaction.kind == "endorser"
    assert transaction.tx_id == proposal.tx_id
    assert (transaction.chaincode, transaction.function, transaction.args) == (
        "countermark",
        "trade.pay",
        (b"intent", b"{}"),
    )
    assert transaction.creator_msp == "TraderMSP"
    assert transaction.creator_cert == network.client("trader").certificate_pem
    assert (transaction.response_status, transaction.response_payload) == (200, b"answer")
    assert transaction.event is not None
    assert transaction.event.name == "trade.pay"
    assert transaction.timestamp_ms == proposal.header.timestamp_ms
    # A version of block 0, transaction 0 is not the same as no version.
    assert transaction.reads == (Read("countermark", "epoch", (0, 0)), Read("countermark", "new", None))
    assert transaction.writes == (
        Write("countermark", "trade/x", b"{}", False),
        Write("countermark", "coin/y", b"", True),
    )
    assert [one.identity.msp_id for one in transaction.endorsers] == ["PlatformMSP", "SupervisorMSP"]


def test_ranges_and_private_hashes_are_read() -> None:
    info = kv_rwset_pb2.RangeQueryInfo(start_key="a", end_key="b", itr_exhausted=True)
    info.raw_reads.kv_reads.add(key="aa")
    hashed = kv_rwset_pb2.HashedRWSet(
        hashed_reads=[kv_rwset_pb2.KVReadHash(key_hash=b"k")],
        hashed_writes=[kv_rwset_pb2.KVWriteHash(key_hash=b"k", value_hash=b"v", is_purge=True)],
    )
    space = rwset_pb2.NsReadWriteSet(
        namespace="n", rwset=kv_rwset_pb2.KVRWSet(range_queries_info=[info]).SerializeToString()
    )
    space.collection_hashed_rwset.add(
        collection_name="fingerprints", hashed_rwset=hashed.SerializeToString(), pvt_rwset_hash=b"h"
    )
    parsed = ReadWriteSet.parse(rwset_pb2.TxReadWriteSet(ns_rwset=[space]).SerializeToString())
    assert parsed.ranges == (RangeQuery("n", "a", "b", True, (Read("n", "aa", None),)),)
    private = PrivateHashes(
        "n", "fingerprints", (PrivateRead(b"k", None),), (PrivateWrite(b"k", b"v", False, True),), b"h"
    )
    assert parsed.private_hashes == (private,)


RUBBISH = [
    b"",
    b"\xff",
    common_pb2.Envelope(payload=b"\xff", signature=b"s").SerializeToString(),
    common_pb2.Envelope(payload=common_pb2.Payload(data=b"x").SerializeToString()).SerializeToString(),
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_that_peers_refused_is_skipped_and_its_neighbours_read(network: Network, rubbish: bytes) -> None:
    good = network.transaction(network.propose())
    block = network.block(3, b"p", [rubbish, good], [2, 0])
    bad, fine = block.transactions
    assert (bad.kind, bad.valid, bad.tx_id, bad.writes, bad.function) == ("unreadable", False, "", (), "")
    assert fine.valid
    assert fine.position == 1


def _of_unknown_type(channel: Any) -> None:
    channel.type = 77


def _of_a_later_epoch(channel: Any) -> None:
    channel.epoch = 1


def _without_an_id(channel: Any) -> None:
    channel.tx_id = ""


@pytest.mark.parametrize(
    ("change", "has_envelope"),
    [(lambda _: None, True), (_of_unknown_type, False), (_of_a_later_epoch, False), (_without_an_id, True)],
)
def test_an_envelope_is_known_by_its_header_whatever_else_is_wrong_with_it(
    network: Network, change: Callable[[Any], None], has_envelope: bool
) -> None:
    """As on Fabric's peers, which index it by the id in there, or the one that creator and nonce give."""
    proposal = network.propose()
    channel = common_pb2.ChannelHeader.FromString(proposal.header.channel_header)
    change(channel)
    header = common_pb2.Header(
        channel_header=channel.SerializeToString(), signature_header=proposal.header.signature_header
    )
    payload = common_pb2.Payload(header=header, data=b"\xff").SerializeToString()
    raw = common_pb2.Envelope(payload=payload, signature=b"s").SerializeToString()
    (transaction,) = network.block(3, b"p", [raw], [5]).transactions
    assert (transaction.kind, transaction.channel) == ("unreadable", CHANNEL)
    assert transaction.tx_id == proposal.tx_id
    assert transaction.timestamp_ms == proposal.header.timestamp_ms
    assert (transaction.envelope is not None) is has_envelope


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_a_peer_that_calls_rubbish_valid_is_not_followed(network: Network, rubbish: bytes) -> None:
    good = network.transaction(network.propose())
    with pytest.raises(BlockError) as caught:
        network.block(3, b"p", [good, rubbish])
    assert (caught.value.block, caught.value.transaction) == (3, 1)


@pytest.mark.parametrize("codes", [[0], [0, 0, 0]])
def test_a_verdict_for_each_transaction_is_wanted(network: Network, codes: list[int]) -> None:
    envelopes = [network.transaction(network.propose()) for _ in range(2)]
    with pytest.raises(BlockError, match="bad_filter"):
        network.block(3, b"p", envelopes, codes)


def test_a_block_straight_from_an_orderer_is_not_validated(network: Network) -> None:
    raw = network.transaction(network.propose())
    block = parse_block(build_block(1, b"p", [raw], last_config=0, orderer=network.orderer))
    assert [one.validation_code for one in block.transactions] == [NOT_VALIDATED]
    assert block.transactions[0].code_name == "NOT_VALIDATED"
    assert block.commit_hash == b""


def test_a_peers_verdict_leaves_hashes_and_signatures_alone(network: Network) -> None:
    raw = network.transaction(network.propose())
    data = build_block(1, b"p", [raw], last_config=0, orderer=network.orderer)
    before, after = parse_block(data), parse_block(with_validation_codes(data, [11], commit_hash=b"c" * 32))
    assert after.header_hash == before.header_hash
    assert after.orderer_signatures == before.orderer_signatures
    assert after.transactions[0].code_name == "MVCC_READ_CONFLICT"
    assert after.commit_hash == b"c" * 32
    assert parse_block(after.serialized) == after


def test_codes_that_fabric_does_not_name_have_a_name_too() -> None:
    assert (code_name(0), code_name(9), code_name(99)) == ("VALID", "DUPLICATE_TXID", "UNKNOWN_99")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_block_or_give_our_error(data: bytes) -> None:
    with contextlib.suppress(EnvelopeError, BlockError):
        parse_block(data)


# Verification


@pytest.fixture(scope="module")
def chain(network: Network) -> list[Block]:
    blocks = [network.genesis()]
    for number in range(1, 4):
        envelopes = [network.transaction(network.propose("f", bytes([number, one]))) for one in range(3)]
        blocks.append(network.block(number, blocks[-1].header_hash, envelopes))
    return blocks


def _verify(network: Network, blocks: list[Block]) -> None:
    """Every check that an offline reader makes, over a chain that begins with a known genesis block."""
    previous, config = b"", read_config(blocks[0])
    for number, block in enumerate(blocks):
        verify_link(block, number=number, previous_hash=previous)
        verify_data_hash(block)
        if number:
            verify_orderers(block, config)
            for transaction in block.transactions:
                verify_creator(number, transaction, network.consortium)
                verify_endorsements(number, transaction, network.consortium, MARKET_POLICY)
        previous = block.header_hash


def test_a_chain_that_was_left_alone_holds(network: Network, chain: list[Block]) -> None:
    _verify(network, chain)
    members = verify_endorsements(1, chain[1].transactions[0], network.consortium, MARKET_POLICY)
    assert [(one.msp_id, one.role) for one in members] == [("PlatformMSP", Role.PEER), ("SupervisorMSP", Role.PEER)]


def _without_a_transaction(block: Block, network: Network) -> Block:
    return replace(block, transactions=block.transactions[:1] + block.transactions[2:])


def _reordered(block: Block, network: Network) -> Block:
    return replace(block, transactions=block.transactions[::-1])


def _changed_and_hashed_anew(block: Block, network: Network) -> Block:
    raws = [one.raw for one in block.transactions[:2]]
    data = build_block(block.number, block.previous_hash, raws, last_config=0, orderer=None)
    forged = parse_block(with_validation_codes(data, [0, 0]))
    return replace(forged, orderer_signatures=block.orderer_signatures)


def _signed_by_a_peer(block: Block, network: Network) -> Block:
    raws = [one.raw for one in block.transactions]
    data = build_block(block.number, block.previous_hash, raws, last_config=0, orderer=network.peer("platform"))
    return parse_block(with_validation_codes(data, [0] * len(raws)))


def _of_another_number(block: Block, network: Network) -> Block:
    return replace(block, number=block.number + 1)


def _last_config_moved(block: Block, network: Network) -> Block:
    return replace(block, signed_metadata=block.signed_metadata + b"\x12\x00")


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (_without_a_transaction, "data_hash_mismatch"),
        (_reordered, "data_hash_mismatch"),
        (_changed_and_hashed_anew, "orderer_signature"),
        (_signed_by_a_peer, "orderer_signature"),
        (_of_another_number, "wrong_number"),
        (_last_config_moved, "orderer_signature"),
    ],
)
def test_a_forged_block_is_found_where_it_is(
    network: Network, chain: list[Block], forge: Callable[[Block, Network], Block], code: str
) -> None:
    forged = [*chain[:2], forge(chain[2], network), chain[3]]
    with pytest.raises(BlockError, match=code) as caught:
        _verify(network, forged)
    assert caught.value.block == forged[2].number


def test_a_block_exchanged_by_the_orderers_breaks_the_link_of_the_next(network: Network, chain: list[Block]) -> None:
    other = network.block(2, chain[1].header_hash, [network.transaction(network.propose())])
    with pytest.raises(BlockError, match="broken_chain") as caught:
        _verify(network, [chain[0], chain[1], other, chain[3]])
    assert caught.value.block == 3


def test_dropped_and_swapped_blocks_are_found(network: Network, chain: list[Block]) -> None:
    with pytest.raises(BlockError, match="wrong_number"):
        _verify(network, [chain[0], chain[2], chain[3]])
    with pytest.raises(BlockError, match="wrong_number"):
        _verify(network, [chain[0], chain[2], chain[1]])


def test_an_orderer_counts_once_however_often_it_signs(network: Network, chain: list[Block]) -> None:
    twice = replace(chain[1], orderer_signatures=chain[1].orderer_signatures * 2)
    assert len(verify_orderers(twice, network.config)) == 1
    two = OutOf(2, (SignedBy("OrdererMSP", Role.ORDERER), SignedBy("OrdererMSP", Role.ORDERER)))
    with pytest.raises(BlockError, match="too few orderers signed: 1"):
        verify_orderers(twice, wanting(network.config, two))


def test_a_transaction_changed_by_whoever_rehashes_the_block_is_found(network: Network) -> None:
    envelope = Envelope.parse(network.transaction(network.propose("coin.mint", b"1")))
    forged = common_pb2.Envelope(
        payload=envelope.payload.replace(b"coin.mint", b"coin.rent"), signature=envelope.signature
    )
    block = network.block(1, b"p", [forged.SerializeToString()])
    verify_data_hash(block)
    verify_orderers(block, network.config)
    with pytest.raises(BlockError, match="bad_signature") as caught:
        verify_creator(1, block.transactions[0], network.consortium)
    assert (caught.value.block, caught.value.transaction) == (1, 0)


def test_a_transaction_changed_and_signed_again_by_its_creator_has_no_endorsements(network: Network) -> None:
    envelope = Envelope.parse(network.transaction(network.propose("coin.mint", b"1")))
    forged = sign_payload(network.client(), envelope.payload.replace(b"coin.mint", b"coin.rent"))
    block = network.block(1, b"p", [forged.serialized])
    verify_creator(1, block.transactions[0], network.consortium)
    with pytest.raises(BlockError, match="proposal_hash_mismatch"):
        verify_endorsements(1, block.transactions[0], network.consortium, MARKET_POLICY)


def test_a_result_changed_after_endorsing_has_no_endorsements(network: Network) -> None:
    envelope = Envelope.parse(network.transaction(network.propose()))
    forged = sign_payload(network.client(), envelope.payload.replace(b"answer", b"ransom"))
    block = network.block(1, b"p", [forged.serialized])
    with pytest.raises(BlockError, match="endorsed by nobody only"):
        verify_endorsements(1, block.transactions[0], network.consortium, MARKET_POLICY)


@pytest.mark.parametrize(
    ("endorsers", "enough"),
    [
        (["platform", "supervisor"], True),
        (["trader", "supervisor"], True),
        (["platform", "supervisor", "trader"], True),
        (["platform", "trader"], False),
        (["supervisor"], False),
        (["supervisor", "supervisor"], False),
        ([], False),
    ],
)
def test_no_one_organisation_and_no_two_traders_can_endorse_alone(
    network: Network, endorsers: list[str], enough: bool
) -> None:
    raw = network.transaction(network.propose(), endorsers=endorsers)
    (transaction,) = network.block(1, b"p", [raw]).transactions
    if enough:
        verify_endorsements(1, transaction, network.consortium, MARKET_POLICY)
    else:
        with pytest.raises(BlockError, match="endorsement_policy"):
            verify_endorsements(1, transaction, network.consortium, MARKET_POLICY)


def test_an_endorser_who_writes_his_certificate_in_two_ways_counts_once(network: Network) -> None:
    supervisor = network.peer("supervisor")
    rewritten = SigningIdentity("SupervisorMSP", supervisor.certificate_pem + b"\n", supervisor.key)
    proposal = network.propose()
    payload = build_response_payload(proposal, Outcome(Response(200), b"", "countermark")).serialized
    endorsements = [endorse(identity, payload) for identity in (supervisor, rewritten)]
    raw = sign_payload(network.client(), assemble(proposal, payload, endorsements)).serialized
    (transaction,) = network.block(1, b"p", [raw]).transactions
    twice = all_of(SignedBy("SupervisorMSP"), SignedBy("SupervisorMSP"))
    with pytest.raises(BlockError, match="endorsement_policy"):
        verify_endorsements(1, transaction, network.consortium, twice)


def test_an_unreadable_transaction_has_neither_creator_nor_endorsements(network: Network) -> None:
    (transaction,) = network.block(1, b"p", [b"\xff"], [2]).transactions
    with pytest.raises(BlockError, match="unreadable"):
        verify_creator(1, transaction, network.consortium)
    with pytest.raises(BlockError, match="not_endorsed"):
        verify_endorsements(1, transaction, network.consortium, MARKET_POLICY)


# Policies


def _members(*names: str) -> list[Member]:
    return [Member(name.split(".")[0], Role(name.split(".")[1]), "x", b"") for name in names]


A, B, C = SignedBy("A"), SignedBy("B"), SignedBy("C")


@pytest.mark.parametrize(
    ("policy", "members", "expected"),
    [
        (A, ["A.peer"], True),
        (A, ["A.client"], False),
        (A, ["B.peer"], False),
        (SignedBy("A", None), ["A.client"], True),
        (any_of(A, B), ["B.peer"], True),
        (any_of(A, B), [], False),
        (all_of(A, B), ["B.peer", "A.peer"], True),
        (all_of(A, B), ["A.peer", "A.peer"], False),
        (all_of(A, A), ["A.peer"], False),
        (all_of(A, A), ["A.peer", "A.peer"], True),
        (OutOf(2, (A, B, C)), ["A.peer", "C.peer"], True),
        (OutOf(2, (A, B, C)), ["C.peer"], False),
        (all_of(A, any_of(A, B)), ["A.peer"], False),
        (all_of(A, any_of(A, B)), ["A.peer", "B.peer"], True),
        # A nested rule that fails gives back what it took.
        (OutOf(1, (all_of(A, B), A)), ["A.peer"], True),
        (OutOf(0, ()), [], True),
        (OutOf(1, ()), ["A.peer"], False),
    ],
)
def test_policies(policy: Policy, members: list[str], expected: bool) -> None:
    assert satisfied(policy, _members(*members)) is expected


def test_a_policy_on_the_wire_names_each_principal_once() -> None:
    wire = policy_message(all_of(A, any_of(B, A)))
    assert len(wire.identities) == 2
    outer = wire.rule.n_out_of
    assert outer.n == 2
    assert outer.rules[0].signed_by == 0
    assert [rule.signed_by for rule in outer.rules[1].n_out_of.rules] == [1, 0]
