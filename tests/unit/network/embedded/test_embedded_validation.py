"""Which transactions count: form, signatures, policies, and what they read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2

from countermark.network.blocks import RangeQuery, endorsing_members
from countermark.network.blocks.codes import Code
from countermark.network.blocks.rangereads import summarise
from countermark.network.blocks.rwsets import PrivateHashes, PrivateWrite, Read, ReadWriteSet, Write
from countermark.network.embedded.validation import conflict
from countermark.network.envelopes import (
    EndorsedTransaction,
    Envelope,
    Header,
    Proposal,
    build_payload,
    endorse,
    sign_payload,
)
from countermark.network.errors import IdentityError
from countermark.network.identities import CertificateAuthority, KeyPair, Role, SigningIdentity
from countermark.network.identities.signing import load_key
from tests.support.embedded_ledger import (
    NOW_MS,
    PLATFORM,
    SUPERVISOR,
    TRADER,
    World,
    private,
    ranging,
    reading,
    writing,
)


@pytest.mark.parametrize(
    ("endorsers", "code"),
    [
        ((PLATFORM, SUPERVISOR), Code.VALID),
        ((SUPERVISOR, TRADER), Code.VALID),
        ((PLATFORM, SUPERVISOR, TRADER), Code.VALID),
        ((SUPERVISOR,), Code.ENDORSEMENT_POLICY_FAILURE),
        ((PLATFORM, TRADER), Code.ENDORSEMENT_POLICY_FAILURE),
        ((SUPERVISOR, SUPERVISOR), Code.ENDORSEMENT_POLICY_FAILURE),
        ((), Code.ENDORSEMENT_POLICY_FAILURE),
    ],
)
def test_supervisor_and_one_other_must_endorse(world: World, endorsers: tuple[str, ...], code: Code) -> None:
    assert world.commit(world.transaction(writing(a="1"), endorsers=endorsers)) == [code]


FINGERPRINT = PrivateHashes(
    "countermark", "fingerprints", (), (PrivateWrite(b"k" * 32, b"v" * 32, False, False),), b"s" * 32
)


@pytest.mark.parametrize(
    ("endorsers", "rwset", "code"),
    [
        ((PLATFORM, SUPERVISOR), private(FINGERPRINT), Code.VALID),
        ((PLATFORM, SUPERVISOR), private(FINGERPRINT, a="1"), Code.VALID),
        ((TRADER, SUPERVISOR), private(FINGERPRINT), Code.ENDORSEMENT_POLICY_FAILURE),
        ((TRADER, SUPERVISOR), private(FINGERPRINT, a="1"), Code.ENDORSEMENT_POLICY_FAILURE),
        ((PLATFORM, SUPERVISOR), private(replace(FINGERPRINT, collection="other")), Code.ILLEGAL_WRITESET),
    ],
)
def test_fingerprints_are_written_by_platform_and_supervisor_only(
    world: World, endorsers: tuple[str, ...], rwset: ReadWriteSet, code: Code
) -> None:
    assert world.commit(world.transaction(rwset, endorsers=endorsers)) == [code]


def _client_as_endorser(world: World) -> bytes:
    """The organisations' clients sign instead of their peers."""
    proposal = world.proposal()
    payload = _response_payload(world.transaction(writing(a="1"), proposal=proposal))
    endorsements = [endorse(world.identity(name, "gateway"), payload) for name in (PLATFORM, SUPERVISOR)]
    return world.envelope(proposal, payload, endorsements)


def _endorsement_of_another_result(world: World) -> bytes:
    proposal = world.proposal()
    good = _response_payload(world.transaction(writing(a="1"), proposal=proposal))
    bad = _response_payload(world.transaction(writing(a="1000"), proposal=proposal))
    endorsements = [endorse(world.identity(name, "peer0"), good) for name in (PLATFORM, SUPERVISOR)]
    return world.envelope(proposal, bad, endorsements)


def _endorsement_of_another_proposal(world: World) -> bytes:
    payload = _response_payload(world.transaction(writing(a="1")))
    endorsements = [endorse(world.identity(name, "peer0"), payload) for name in (PLATFORM, SUPERVISOR)]
    return world.envelope(world.proposal(), payload, endorsements)


def _swapped_endorser(world: World) -> bytes:
    """The signature of one organisation under the name of the other."""
    proposal = world.proposal()
    payload = _response_payload(world.transaction(writing(a="1"), proposal=proposal))
    one = endorse(world.identity(PLATFORM, "peer0"), payload)
    two = replace(one, endorser=world.identity(SUPERVISOR, "peer0").serialized)
    return world.envelope(proposal, payload, [one, two])


def _bad_creator_signature(world: World) -> bytes:
    envelope = Envelope.parse(world.transaction(writing(a="1")))
    return replace(envelope, signature=world.identity(PLATFORM, "gateway").sign(b"another")).serialized


def _changed_payload(world: World) -> bytes:
    envelope = Envelope.parse(world.transaction(writing(amount="100")))
    return replace(envelope, payload=envelope.payload.replace(b"100", b"999")).serialized


def _creator_of_another_consortium(world: World) -> bytes:
    stranger = World(world.directory / "elsewhere")  # same names, other keys
    raw = stranger.transaction(writing(a="1"))
    stranger.ledger.close()
    return raw


def _peer_as_creator(world: World) -> bytes:
    peer = world.identity(PLATFORM, "peer0")
    return world.transaction(writing(a="1"), proposal=world.proposal(client=peer), client=peer)


def _other_channel(world: World) -> bytes:
    return world.transaction(writing(a="1"), proposal=world.proposal(channel="other"))


def _other_chaincode(world: World) -> bytes:
    return world.transaction(writing(a="1"), proposal=world.proposal(chaincode="other"))


def _other_version(world: World) -> bytes:
    return world.transaction(writing(a="1"), version="0.9")


def _other_namespace(world: World) -> bytes:
    rwset = ReadWriteSet(writes=(Write("_lifecycle", "a", b"1", False),))
    return world.transaction(rwset, namespace="_lifecycle")


def _refusal(world: World) -> bytes:
    return world.transaction(writing(a="1"), status=500)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _: b"", Code.BAD_PAYLOAD),
        (lambda _: b"\xff\xff\xff", Code.BAD_PAYLOAD),
        (_bad_creator_signature, Code.BAD_CREATOR_SIGNATURE),
        (_changed_payload, Code.BAD_CREATOR_SIGNATURE),
        (_creator_of_another_consortium, Code.BAD_CREATOR_SIGNATURE),
        (_peer_as_creator, Code.BAD_CREATOR_SIGNATURE),
        (_client_as_endorser, Code.ENDORSEMENT_POLICY_FAILURE),
        (_endorsement_of_another_result, Code.ENDORSEMENT_POLICY_FAILURE),
        (_swapped_endorser, Code.ENDORSEMENT_POLICY_FAILURE),
        (_endorsement_of_another_proposal, Code.INVALID_ENDORSER_TRANSACTION),
        (_refusal, Code.INVALID_ENDORSER_TRANSACTION),
        (_other_channel, Code.TARGET_CHAIN_NOT_FOUND),
        (_other_chaincode, Code.INVALID_CHAINCODE),
        (_other_version, Code.INVALID_CHAINCODE),
        (_other_namespace, Code.ILLEGAL_WRITESET),
    ],
)
def test_a_transaction_that_is_not_in_order_changes_nothing(
    world: World, make: Callable[[World], bytes], code: Code
) -> None:
    assert world.commit(make(world)) == [code]
    with world.ledger.state.snapshots.take() as view:
        assert view.scan("countermark", "", "", limit=10) == []


def _under_endorsed(world: World, proposal: Proposal) -> bytes:
    return world.transaction(writing(a="1"), proposal=proposal, endorsers=(PLATFORM,))


def _signed_by_another(world: World, proposal: Proposal) -> bytes:
    envelope = Envelope.parse(world.transaction(writing(a="1"), proposal=proposal))
    return replace(envelope, signature=world.identity(TRADER, "gateway").sign(envelope.payload)).serialized


def _claimed_by_another(world: World, proposal: Proposal) -> bytes:
    """A transaction of somebody else that says it has this id."""
    trader = world.identity(TRADER, "gateway")
    own = world.proposal(client=trader)
    channel = common_pb2.ChannelHeader.FromString(own.header.channel_header)
    channel.tx_id = proposal.tx_id
    header = Header.of(channel.SerializeToString(), own.header.signature_header)
    return world.transaction(writing(a="1"), proposal=replace(own, header=header), client=trader)


def _without_body(world: World, proposal: Proposal) -> bytes:
    return sign_payload(world.client, build_payload(proposal.header, b"\xff")).serialized


DAMAGED = [
    (_under_endorsed, Code.ENDORSEMENT_POLICY_FAILURE),
    (_signed_by_another, Code.BAD_CREATOR_SIGNATURE),
    (_claimed_by_another, Code.BAD_PROPOSAL_TXID),
    (_without_body, Code.INVALID_ENDORSER_TRANSACTION),
]


@pytest.mark.parametrize(("damage", "code"), DAMAGED)
def test_a_damaged_copy_before_the_good_one_in_a_block_does_it_no_harm(
    world: World, damage: Callable[[World, Proposal], bytes], code: Code
) -> None:
    """Else whoever sees a proposal could keep its transaction from ever committing, by being a moment faster."""
    proposal = world.proposal()
    good = world.transaction(writing(a="1"), proposal=proposal)
    assert world.commit(damage(world, proposal), good, damage(world, proposal)) == [code, Code.VALID, code]
    assert world.value("a") == b"1"


@pytest.mark.parametrize(("damage", "code"), DAMAGED)
def test_an_earlier_block_uses_up_every_id_in_it_as_on_fabric(
    world: World, damage: Callable[[World, Proposal], bytes], code: Code
) -> None:
    proposal = world.proposal()
    assert world.commit(damage(world, proposal)) == [code]
    row = world.ledger.transaction(proposal.tx_id)
    assert row is not None
    assert (row.version, row.code) == ((1, 0), code)
    good = world.transaction(writing(a="1"), proposal=proposal)
    assert world.commit(good, _under_endorsed(world, proposal)) == [Code.DUPLICATE_TXID, Code.DUPLICATE_TXID]
    assert world.value("a") is None


def test_a_valid_copy_that_read_too_old_a_state_has_used_the_id_in_its_block(world: World) -> None:
    proposal = world.proposal()
    stale = world.transaction(reading("a", (0, 0), a="1"), proposal=proposal)
    good = world.transaction(writing(a="1"), proposal=proposal)
    assert world.commit(stale, good) == [Code.MVCC_READ_CONFLICT, Code.DUPLICATE_TXID]


@pytest.mark.parametrize("seconds", [0, -(2**40), 2**60])
def test_the_clients_clock_decides_nothing_when_a_block_is_committed(world: World, seconds: int) -> None:
    """Time windows and expiry are for those who admit a message; no reader of the block can ask them again."""
    proposal = world.proposal()
    channel = common_pb2.ChannelHeader.FromString(proposal.header.channel_header)
    channel.timestamp.seconds = seconds
    header = Header.of(channel.SerializeToString(), proposal.header.signature_header)
    raw = world.transaction(writing(a="1"), proposal=replace(proposal, header=header))
    assert world.commit(raw) == [Code.VALID]
    world.ledger = world.reopen().ledger


def test_what_a_member_signed_counts_when_his_certificate_has_expired(world: World) -> None:
    folder = world.material.organisation(PLATFORM).directory / "ca"
    authority = CertificateAuthority(
        "platform.example", KeyPair((folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes())
    )
    pair = authority.issue("gateway", Role.CLIENT, validity=timedelta(seconds=1))
    client = SigningIdentity("PlatformMSP", pair.certificate_pem, load_key(pair.key_pem))
    with pytest.raises(IdentityError, match="certificate_expired"):
        world.membership.member(client.serialized, at_ms=NOW_MS)
    assert world.commit(world.transaction(writing(a="1"), client=client)) == [Code.VALID]


def test_an_endorser_who_writes_his_certificate_in_two_ways_counts_once(world: World) -> None:
    peer = world.identity(SUPERVISOR, "peer0")
    rewritten = SigningIdentity(peer.msp_id, peer.certificate_pem + b"\n", peer.key)
    proposal = world.proposal()
    payload = _response_payload(world.transaction(writing(a="1"), proposal=proposal))
    endorsed = EndorsedTransaction.parse(
        Envelope.parse(world.envelope(proposal, payload, [endorse(peer, payload), endorse(rewritten, payload)]))
    )
    members, refused = endorsing_members(endorsed, world.membership.recognise)
    assert [member.msp_id for member in members] == ["SupervisorMSP"]
    assert refused == ()


def test_a_policy_of_a_single_private_key_is_refused(world: World) -> None:
    proposal = world.proposal()
    payload = proposal_response_pb2.ProposalResponsePayload.FromString(
        _response_payload(world.transaction(writing(a="1"), proposal=proposal))
    )
    action = proposal_pb2.ChaincodeAction.FromString(payload.extension)
    hashed = kv_rwset_pb2.HashedRWSet(metadata_writes=[kv_rwset_pb2.KVMetadataWriteHash(key_hash=b"k" * 32)])
    results = rwset_pb2.TxReadWriteSet.FromString(action.results)
    results.ns_rwset[0].collection_hashed_rwset.add(
        collection_name="fingerprints", hashed_rwset=hashed.SerializeToString()
    )
    action.results = results.SerializeToString()
    payload.extension = action.SerializeToString()
    forged = payload.SerializeToString()
    endorsements = [endorse(world.identity(name, "peer0"), forged) for name in (PLATFORM, SUPERVISOR)]
    assert world.commit(world.envelope(proposal, forged, endorsements)) == [Code.ILLEGAL_WRITESET]


@pytest.mark.parametrize("versions", [((1, 0), (9, 9)), ((9, 9), (1, 0)), ((1, 0), None), (None, (1, 0))])
def test_a_key_that_was_read_at_two_versions_is_a_conflict(
    world: World, versions: tuple[tuple[int, int] | None, tuple[int, int] | None]
) -> None:
    world.commit(world.transaction(writing(a="1")))
    reads = tuple(Read("countermark", "a", version) for version in versions)
    assert world.commit(world.transaction(ReadWriteSet(reads=reads))) == [Code.MVCC_READ_CONFLICT]


@pytest.mark.parametrize(("values", "left"), [(("1", "2"), b"2"), (("1", ""), None), (("", "1"), b"1")])
def test_of_a_key_that_is_written_twice_the_last_write_counts(
    world: World, values: tuple[str, str], left: bytes | None
) -> None:
    writes = tuple(Write("countermark", "a", value.encode(), not value) for value in values)
    assert world.commit(world.transaction(ReadWriteSet(writes=writes))) == [Code.VALID]
    assert world.value("a") == left


def test_the_same_transaction_counts_once(world: World) -> None:
    raw = world.transaction(writing(a="1"))
    assert world.commit(raw, raw) == [Code.VALID, Code.DUPLICATE_TXID]
    assert world.commit(raw) == [Code.DUPLICATE_TXID]
    row = world.ledger.transaction(Envelope.parse(raw).header.tx_id)
    assert row is not None
    assert (row.version, row.code) == ((1, 0), Code.VALID)


def test_of_two_that_read_the_same_version_one_counts(world: World) -> None:
    assert world.commit(world.transaction(writing(a="1"))) == [Code.VALID]
    both = [world.transaction(reading("a", (1, 0), a=value)) for value in "23"]
    assert world.commit(*both) == [Code.VALID, Code.MVCC_READ_CONFLICT]
    assert world.value("a") == b"2"


@pytest.mark.parametrize(
    ("rwset", "code"),
    [
        (reading("a", (1, 0), b="x"), Code.VALID),
        (reading("a", None, b="x"), Code.MVCC_READ_CONFLICT),
        (reading("a", (0, 0), b="x"), Code.MVCC_READ_CONFLICT),
        (reading("absent", None, b="x"), Code.VALID),
        (reading("absent", (1, 0), b="x"), Code.MVCC_READ_CONFLICT),
    ],
)
def test_what_was_read_must_still_be_so(world: World, rwset: ReadWriteSet, code: Code) -> None:
    world.commit(world.transaction(writing(a="1")))
    assert world.commit(world.transaction(rwset)) == [code]


V1 = (1, 0)


@pytest.mark.parametrize(
    ("rwset", "code"),
    [
        (ranging("k", "l", [("k1", V1), ("k2", V1), ("k3", V1)]), Code.VALID),
        (ranging("k1", "k3", [("k1", V1), ("k2", V1)]), Code.VALID),
        (ranging("", "", [("k1", V1), ("k2", V1), ("k3", V1)]), Code.VALID),
        (ranging("k", "k2", [("k1", V1), ("k2", V1)], exhausted=False), Code.VALID),
        (ranging("x", "y", []), Code.VALID),
        (ranging("k", "l", [("k1", V1), ("k3", V1)]), Code.PHANTOM_READ_CONFLICT),
        (ranging("k", "l", [("k1", V1), ("k2", V1)]), Code.PHANTOM_READ_CONFLICT),
        (ranging("k", "l", [("k1", (0, 0)), ("k2", V1), ("k3", V1)]), Code.PHANTOM_READ_CONFLICT),
        (ranging("k", "l", [("k1", V1), ("k2", V1), ("k3", V1), ("k4", V1)]), Code.PHANTOM_READ_CONFLICT),
        (ranging("k", "k2", [("k1", V1), ("k2", (0, 0))], exhausted=False), Code.PHANTOM_READ_CONFLICT),
        (ranging("k", "l", []), Code.PHANTOM_READ_CONFLICT),
    ],
)
def test_a_range_must_still_hold_what_was_found(world: World, rwset: ReadWriteSet, code: Code) -> None:
    world.commit(world.transaction(writing(k1="1", k2="2", k3="3")))
    assert world.commit(world.transaction(rwset)) == [code]


def test_a_key_that_appears_in_the_same_block_is_a_phantom(world: World) -> None:
    new, count = world.transaction(writing(k1="1")), world.transaction(ranging("k", "l", []))
    assert world.commit(new, count) == [Code.VALID, Code.PHANTOM_READ_CONFLICT]


def test_a_range_that_fabric_would_sum_up_is_compared_whole(world: World) -> None:
    keys = [f"k{index:04d}" for index in range(120)]
    world.commit(world.transaction(writing(**dict.fromkeys(keys, "x"))))
    found = [(key, V1) for key in keys]
    for reads, code in ((found, Code.VALID), (found[1:], Code.PHANTOM_READ_CONFLICT)):
        query = RangeQuery("countermark", "k", "l", True, (), summarise(reads, 50))
        with world.ledger.state.snapshots.take() as view:
            assert conflict(ReadWriteSet(ranges=(query,)), view) is code


def test_ranges_longer_than_one_scan_are_compared_whole(world: World) -> None:
    keys = [f"k{index:04d}" for index in range(1100)]
    world.commit(world.transaction(writing(**dict.fromkeys(keys, "x"))))
    found = [(key, V1) for key in keys]
    changed = [*found[:-1], (keys[-1], (0, 0))]
    assert world.commit(world.transaction(ranging("k", "l", found))) == [Code.VALID]
    assert world.commit(world.transaction(ranging("k", "l", found[:-1]))) == [Code.PHANTOM_READ_CONFLICT]
    assert world.commit(world.transaction(ranging("k", "l", changed))) == [Code.PHANTOM_READ_CONFLICT]


def _response_payload(raw: bytes) -> bytes:
    return EndorsedTransaction.parse(Envelope.parse(raw)).response.serialized
