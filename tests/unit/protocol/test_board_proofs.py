"""The document that a party keeps of its entry: read back, refused where its parts do not fit, and never misread."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from countermark.protocol import canonical, ids, jws, merkle, receipts
from countermark.protocol.accounts import AccountKey
from countermark.protocol.board_proofs import LONGEST, BoardProof, Growth, Inclusion, Tree
from countermark.protocol.encoding import digest
from countermark.protocol.entries import Entry
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.notices import Notice, parse_notice, sign_notice

MARKET = "market/countermark"
PLATFORM, SELLER, BUYER = (AccountKey.generate() for _ in range(3))
TRADE = ids.trade_id(market=MARKET, listing="dc1", buyer=BUYER.address, nonce="n")
NOW_MS, T_MS = 1_800_000_000_000, 1_800_000_600_000
OTHERS = [merkle.leaf_hash(b"%d" % number) for number in range(9)]


def entry(root: bytes = b"root", seq: int = 3, received_at_ms: int = NOW_MS) -> Entry:
    notice = Notice(
        "seller", TRADE, SELLER.address, BUYER.address, "dc1" + "a" * 52, PLATFORM.address, digest(root), NOW_MS
    )
    token, _ = sign_notice(SELLER, notice, market=MARKET)
    signed = parse_notice(token, market=MARKET, platform=PLATFORM.address)
    return Entry.of(signed, seq=seq, received_at_ms=received_at_ms)


def receipt(of: Entry, key: AccountKey = PLATFORM, **changes: Any) -> str:
    return receipts.sign_receipt(key, replace(of.receipt(anchored_by_ms=T_MS), **changes), market=MARKET)


ENTRY, OTHER_ENTRY = entry(), entry(b"other")
LEAVES = [*OTHERS[:3], ENTRY.leaf_hash(), *OTHERS[3:]]
TREE_6, TREE_9 = (Tree(size, merkle.root(LEAVES[:size])) for size in (6, 9))
INCLUSION = Inclusion(3, LEAVES[3], TREE_6, tuple(merkle.inclusion_proof(LEAVES[:6], 3)))
GROWTH = Growth(TREE_9, tuple(merkle.consistency_proof(LEAVES[:9], 6)))
PROOF = BoardProof(MARKET, receipt(ENTRY), ENTRY, INCLUSION, GROWTH)


@pytest.mark.requirement("R67")
@pytest.mark.parametrize(
    "proof",
    [
        PROOF,
        replace(PROOF, growth=None),
        replace(PROOF, growth=None, inclusion=None),
        PROOF.without_notice(),
        replace(PROOF, receipt=receipt(ENTRY, seq=None)),
    ],
)
def test_it_is_read_back_and_shows_what_its_signatures_say(proof: BoardProof) -> None:
    read = BoardProof.from_bytes(proof.to_bytes())
    assert read == proof
    shown = read.check(platform=PLATFORM.address)
    assert (shown.seq, shown.leaf) == (3, ENTRY.leaf_hash())
    assert (shown.receipt.received_at_ms, shown.receipt.anchored_by_ms) == (NOW_MS, T_MS)
    if proof.entry is None:
        assert shown.notice is None
        assert ENTRY.token not in proof.to_bytes().decode()
    else:
        assert shown.notice is not None
        assert (shown.notice.trade, shown.notice.author) == (TRADE, SELLER.address)


def test_a_tree_may_have_grown_to_the_one_of_the_proof_or_from_it() -> None:
    back = replace(
        PROOF,
        inclusion=Inclusion(3, LEAVES[3], TREE_9, tuple(merkle.inclusion_proof(LEAVES[:9], 3))),
        growth=replace(GROWTH, tree=TREE_6),
    )
    back.check(platform=PLATFORM.address)


@pytest.mark.requirement("R67")
@pytest.mark.parametrize(
    ("proof", "code"),
    [
        pytest.param(replace(PROOF, receipt=receipt(ENTRY, SELLER)), ErrorCode.WRONG_ACTOR,
                     id="a receipt that the party made itself"),
        pytest.param(replace(PROOF, market="market/other"), ErrorCode.WRONG_MARKET, id="another market"),
        pytest.param(replace(PROOF, receipt=receipt(OTHER_ENTRY)), ErrorCode.PROOF_INVALID,
                     id="a receipt for another entry"),
        pytest.param(replace(PROOF, entry=OTHER_ENTRY), ErrorCode.PROOF_INVALID, id="another notice"),
        pytest.param(replace(PROOF, entry=replace(ENTRY, received_at_ms=NOW_MS - 1)), ErrorCode.PROOF_INVALID,
                     id="another time"),
        pytest.param(replace(PROOF, entry=replace(ENTRY, signer=BUYER.address)), ErrorCode.PROOF_INVALID,
                     id="another signer"),
        pytest.param(replace(PROOF, entry=replace(ENTRY, seq=4)), ErrorCode.PROOF_INVALID, id="another number"),
        pytest.param(replace(PROOF, receipt=receipt(ENTRY, seq=4)), ErrorCode.PROOF_INVALID,
                     id="a receipt with another number"),
        pytest.param(replace(PROOF, receipt=receipt(ENTRY, seq=None), entry=None), ErrorCode.PROOF_INVALID,
                     id="an earlier receipt by itself"),
        pytest.param(replace(PROOF, inclusion=replace(INCLUSION, seq=2)), ErrorCode.PROOF_INVALID,
                     id="the proof of another place"),
        pytest.param(replace(PROOF, inclusion=replace(INCLUSION, leaf=OTHERS[0])), ErrorCode.PROOF_INVALID,
                     id="another leaf"),
        pytest.param(replace(PROOF, inclusion=replace(INCLUSION, tree=TREE_9)), ErrorCode.PROOF_INVALID,
                     id="another tree"),
        pytest.param(replace(PROOF, inclusion=replace(INCLUSION, path=INCLUSION.path[:-1])), ErrorCode.PROOF_INVALID,
                     id="a path cut"),
        pytest.param(replace(PROOF, growth=replace(GROWTH, path=GROWTH.path[:-1])), ErrorCode.PROOF_INVALID,
                     id="a growth cut"),
        pytest.param(replace(PROOF, growth=replace(GROWTH, tree=Tree(9, OTHERS[0]))), ErrorCode.PROOF_INVALID,
                     id="a growth to another tree"),
        pytest.param(replace(PROOF, inclusion=None), ErrorCode.PROOF_INVALID, id="a growth from nowhere"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(proof: BoardProof, code: ErrorCode) -> None:
    with pytest.raises(MarketError) as refusal:
        BoardProof.from_bytes(proof.to_bytes()).check(platform=PLATFORM.address)
    assert refusal.value.code is code


def _with(**changes: Any) -> bytes:
    return canonical.dumps({**canonical.loads(PROOF.to_bytes()), **changes})


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="nothing in it"),
        pytest.param(PROOF.to_bytes() + b"\n", id="not canonical"),
        pytest.param(_with(format="countermark-board-proof/2"), id="another format"),
        pytest.param(_with(more=1), id="an unknown member"),
        pytest.param(_with(entry=[]), id="an entry that is none"),
        pytest.param(_with(inclusion={**INCLUSION.to_json(), "size": 0}), id="an empty tree"),
        pytest.param(_with(inclusion={**INCLUSION.to_json(), "path": [digest(b"")] * 65}), id="an endless path"),
        pytest.param(_with(inclusion={**INCLUSION.to_json(), "seq": True}), id="a number that is none"),
        pytest.param(b" " * (LONGEST + 1), id="too long"),
    ],
)
def test_what_is_no_such_document_is_refused(data: bytes) -> None:
    with pytest.raises(MarketError) as refusal:
        BoardProof.from_bytes(data)
    assert refusal.value.code is ErrorCode.PROOF_INVALID


@pytest.mark.requirement("R67")
def test_no_flipped_bit_is_taken_for_another_meaning() -> None:
    """Every bit of the document: refused, or the same entry, receipt time and tree as before."""
    data = PROOF.to_bytes()
    meant = PROOF.check(platform=PLATFORM.address)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 7
        try:
            assert BoardProof.from_bytes(bytes(changed)).check(platform=PLATFORM.address) == meant
        except MarketError:
            continue


def test_what_a_gateway_answers_is_an_inclusion() -> None:
    answer = {**INCLUSION.to_json(), "anchor": {"txid": "0" * 64, "at": "2027-01-15T08:00:00.000Z"}}
    assert Inclusion.from_json(answer) == INCLUSION
    with pytest.raises(MarketError):
        Inclusion.from_json({**answer, "more": 1})


@pytest.mark.parametrize("change", [lambda one: one["token"], lambda one: {**one, "seq": -1}, lambda one: {}])
def test_an_entry_is_read_strictly(change: Callable[[dict[str, Any]], Any]) -> None:
    assert Entry.from_json(ENTRY.to_json()) == ENTRY
    with pytest.raises(MarketError):
        Entry.from_json(change(ENTRY.to_json()))


def test_a_receipt_of_another_kind_of_message_is_none() -> None:
    token = jws.sign(PLATFORM, "countermark-other+jws", jws.verify(PROOF.receipt, receipts.TYP).payload)
    with pytest.raises(MarketError) as refusal:
        replace(PROOF, receipt=token).check(platform=PLATFORM.address)
    assert refusal.value.code is ErrorCode.RECEIPT_MALFORMED
