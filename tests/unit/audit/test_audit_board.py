"""What a party's document of the board proves by a ledger of signed blocks, and what it does not."""

import json
from dataclasses import replace

import pytest

from countermark.audit.board import Reason, Sought, Verdict, find_twice, judge, sought
from countermark.audit.board.ledger import BoardLedger, Term
from countermark.audit.errors import AuditError
from countermark.protocol import merkle, times
from countermark.protocol.accounts import AccountKey
from countermark.protocol.board_proofs import BoardProof, Growth, Tree
from countermark.protocol.encoding import as_digest
from countermark.protocol.receipts import sign_receipt
from tests.support.boards import WITHIN_MS, SignedBoard, told_by
from tests.support.market import EPOCH_S, GUARD_S
from tests.unit.network.consortium import Network


class Traded:
    """A trade whose seller sent and whose buyer received, on a board with entries of others before and after."""

    def __init__(self, network: Network) -> None:
        self.board = board = SignedBoard(network)
        market = board.market
        other, self.trade = (
            market.bring_to("FUNDED", market.list_data(data=data)["id"]) for data in (b"other", b"photo")
        )
        board.take(board.notice(other, root=b"other"))
        notice = board.notice(self.trade)
        self.sent = board.take(notice)
        market.act("trade.send", self.trade, notice=notice.digest)
        self.anchored_at = board.ledger.now_ms
        assert board.anchor() == 2
        self.anchor_block = board.blocks[-1]
        market.act("trade.relay", self.trade)
        notice = board.notice(self.trade, "buyer")
        self.received = board.take(notice)
        market.act("trade.ack", self.trade, notice=notice.digest)
        board.take(board.notice(other, "buyer", root=b"other"))
        assert board.anchor() == 4


@pytest.fixture(scope="module")
def traded(network: Network) -> Traded:
    return Traded(network)


@pytest.fixture
def board(network: Network) -> SignedBoard:
    return SignedBoard(network)


def funded(board: SignedBoard) -> str:
    return board.market.bring_to("FUNDED")


@pytest.mark.requirement("R67")
@pytest.mark.requirement("A-14")
def test_sending_is_proven_without_the_platform(traded: Traded) -> None:
    (one,) = traded.board.judge(traded.board.proven(traded.sent, 2))
    assert (one.verdict, one.reason, one.included) == (Verdict.PROVEN, Reason.ANCHORED, True)
    market = traded.board.market
    told = json.loads(json.dumps(one.told))
    assert told["act"] == "sent"
    assert (told["trade"], told["by"]) == (traded.trade, market.seller.address)
    assert (told["seller"], told["buyer"]) == (market.seller.address, market.buyer.address)
    assert (told["seq"], told["received_at"]) == (1, times.to_text(one.shown.receipt.received_at_ms))
    (transaction,) = traded.anchor_block.transactions
    assert told["anchor"] == {
        "size": 2,
        "root": as_digest(merkle.root(traded.board.leaves[:2])),
        "at": times.to_text(traded.anchored_at),
        "tx": transaction.tx_id,
        "block": traded.anchor_block.number,
    }
    assert (told["named_by"]["function"], told["named_by"]["signer"]) == ("trade.send", market.seller.address)


@pytest.mark.requirement("R67")
def test_receiving_is_proven_without_the_platform(traded: Traded) -> None:
    (one,) = traded.board.judge(traded.board.proven(traded.received))
    assert one.verdict is Verdict.PROVEN
    assert (one.told["act"], one.told["by"]) == ("received", traded.board.market.buyer.address)
    assert (one.told["found"], one.told["named_by"]["function"]) == ("match", "trade.ack")


def test_a_later_tree_proves_that_the_first_one_has_it(traded: Traded) -> None:
    """All anchored trees have the same leaf at a place: the contracts take none that does not go on the last one."""
    (one,) = traded.board.judge(traded.board.proven(traded.sent, 4))
    assert one.verdict is Verdict.PROVEN
    assert one.told["anchor"]["size"] == 2


@pytest.mark.parametrize(("shown", "anchored"), [(3, 4), (3, 2)])
def test_a_tree_that_was_not_anchored_needs_its_growth_to_one_that_was(
    traded: Traded, shown: int, anchored: int
) -> None:
    board, leaves = traded.board, traded.board.leaves
    proof = board.proven(traded.sent, shown)
    (one,) = board.judge(proof)
    assert one.reason is Reason.UNANSWERED
    assert "tree of 3 entries that was shown is not anchored" in one.detail
    small, large = sorted((shown, anchored))
    path = merkle.consistency_proof(leaves[:large], small)
    growth = Growth(Tree(anchored, merkle.root(leaves[:anchored])), tuple(path))
    (one,) = board.judge(replace(proof, growth=growth))
    assert one.verdict is Verdict.PROVEN


def test_a_tree_too_small_for_the_entry_proves_nothing_of_it(traded: Traded) -> None:
    """The growth from an anchored tree that ends before the entry says nothing of what came after it."""
    board, leaves = traded.board, traded.board.leaves
    growth = Growth(Tree(2, merkle.root(leaves[:2])), tuple(merkle.consistency_proof(leaves[:3], 2)))
    (one,) = board.judge(replace(board.proven(traded.received, 3), growth=growth))
    assert one.reason is Reason.UNANSWERED


def test_without_the_notice_it_is_shown_that_something_of_the_trade_came_in(traded: Traded) -> None:
    (one,) = traded.board.judge(traded.board.proven(traded.sent, 2).without_notice())
    assert one.verdict is Verdict.PROVEN
    assert (one.told["act"], one.told["trade"], one.told["seq"]) == ("sent", traded.trade, 1)
    assert not {"by", "seller", "buyer"} & set(one.told)


# The platform's promise


def test_a_receipt_alone_is_not_decided_while_a_large_enough_tree_is_anchored(traded: Traded) -> None:
    """From roots alone nobody can tell that a leaf is not in a tree: the platform can show that it is."""
    (one,) = traded.board.judge(traded.sent)
    assert (one.verdict, one.reason) == (Verdict.OPEN, Reason.UNANSWERED)
    (one,) = traded.board.judge(traded.sent, answers=[traded.board.path(1, 4)])
    assert one.verdict is Verdict.PROVEN


def test_an_answer_about_another_entry_or_another_tree_is_none(traded: Traded) -> None:
    board = traded.board
    (one,) = board.judge(traded.sent, answers=[board.path(0, 4), board.path(1, 3)])
    assert one.reason is Reason.UNANSWERED
    with pytest.raises(AuditError, match="malformed_proof"):
        board.judge(traded.sent, answers=[replace(board.path(1, 4), leaf=board.leaves[0])])


def test_a_missing_anchor_is_proof_of_fault_once_the_ledger_goes_on_long_enough(board: SignedBoard) -> None:
    proof = board.take(board.notice(funded(board)))
    board.tick(WITHIN_MS / 1000 + GUARD_S - 1)
    (one,) = board.judge(proof)
    assert (one.verdict, one.reason) == (Verdict.OPEN, Reason.NOT_DUE)
    board.tick()
    (one,) = board.judge(proof)
    assert (one.verdict, one.reason, one.included) == (Verdict.AT_FAULT, Reason.UNANCHORED, False)
    # So it is by the receipt alone, which says under which number the entry was to be.
    (one,) = board.judge(proof.without_notice())
    assert one.verdict is Verdict.AT_FAULT


def test_an_anchor_that_ends_before_the_entry_does_not_excuse(board: SignedBoard) -> None:
    trade = funded(board)
    board.take(board.notice(trade, root=b"other"))
    proof = board.take(board.notice(trade))
    board.entries.pop()
    board.anchor()
    board.tick(WITHIN_MS / 1000 + GUARD_S)
    (one,) = board.judge(proof)
    assert one.reason is Reason.UNANCHORED
    assert "the last one has 1 entries" in one.detail


def test_a_late_anchor_proves_the_entry_and_the_fault(board: SignedBoard) -> None:
    proof = board.take(board.notice(funded(board)))
    board.tick(WITHIN_MS / 1000 + GUARD_S + 1)
    board.anchor()
    (one,) = board.judge(board.proven(proof))
    assert (one.verdict, one.reason, one.included) == (Verdict.AT_FAULT, Reason.LATE, True)
    (one,) = board.judge(proof)
    assert (one.verdict, one.reason, one.included) == (Verdict.AT_FAULT, Reason.LATE, False)


def test_an_anchor_within_the_guard_is_in_time(board: SignedBoard) -> None:
    proof = board.take(board.notice(funded(board)))
    board.ledger.wait(WITHIN_MS / 1000 + GUARD_S - 0.001)
    board.anchor()
    (one,) = board.judge(board.proven(proof))
    assert one.reason is Reason.ANCHORED


def test_what_was_once_at_fault_is_not_made_good_in_the_same_moment(board: SignedBoard) -> None:
    proof = board.take(board.notice(funded(board)))
    board.tick(WITHIN_MS / 1000 + GUARD_S)
    (one,) = board.judge(proof)
    assert one.reason is Reason.UNANCHORED
    board.anchor()
    (one,) = board.judge(board.proven(proof))
    assert one.reason is Reason.LATE


def test_another_leaf_under_the_number_is_proof_of_fault(board: SignedBoard) -> None:
    trade = funded(board)
    proof = board.take(board.notice(trade))
    board.entries[0] = replace(board.entries[0], received_at_ms=board.entries[0].received_at_ms + 1)
    board.anchor()
    (one,) = board.judge(proof)
    assert one.reason is Reason.UNANSWERED
    for judged in (board.judge(proof, answers=[board.path(0)]), board.judge(replace(proof, inclusion=board.path(0)))):
        assert (judged[0].verdict, judged[0].reason) == (Verdict.AT_FAULT, Reason.REWRITTEN)
        assert as_digest(board.leaves[0]) in judged[0].detail


def test_a_tree_that_only_one_party_was_shown_proves_nothing(board: SignedBoard) -> None:
    trade = funded(board)
    proof = board.take(board.notice(trade))
    board.take(board.notice(trade, root=b"of another"))
    shown = board.proven(proof)
    board.entries[0] = board.receipt(replace(board.entries[1], seq=0)).entry or board.entries[0]
    board.anchor()
    (one,) = board.judge(shown)
    assert one.reason is Reason.UNANSWERED
    assert "another tree of 2 entries than the anchored one" in one.detail


def test_two_receipts_under_one_number_are_proof_of_fault(board: SignedBoard) -> None:
    trade = funded(board)
    first = board.take(board.notice(trade))
    second = board.receipt(replace(board.take(board.notice(trade, "buyer")).entry or board.entries[1], seq=0))
    board.anchor()
    judged = board.judge(board.proven(first), second)
    (twice,) = find_twice(judged)
    assert (twice.seq, len(twice.leaves)) == (0, 2)
    assert find_twice([judged[0], judged[0]]) == []


# What is no evidence


def test_a_receipt_that_the_platform_did_not_sign_is_refused(traded: Traded) -> None:
    stranger = AccountKey.generate()
    assert traded.sent.entry is not None
    promised = traded.sent.entry.receipt(anchored_by_ms=traded.sent.entry.received_at_ms)
    forged = replace(traded.sent, receipt=sign_receipt(stranger, promised, market=traded.sent.market))
    with pytest.raises(AuditError, match=r"malformed_proof|other_platform"):
        traded.board.judge(forged)
    with pytest.raises(AuditError, match="other_platform"):
        traded.board.judge(forged.without_notice())


def test_a_document_of_another_market_is_refused(traded: Traded) -> None:
    ledger = traded.board.read(sought([traded.sent]))
    with pytest.raises(AuditError, match="other_market"):
        judge(replace(traded.sent, market="market/other"), ledger)


def test_a_notice_of_somebody_who_had_no_part_in_the_trade_is_refused(board: SignedBoard) -> None:
    """The platform and a stranger together put something on the board that looks like a sale."""
    proof = board.take(board.notice(funded(board), by=board.market.stranger))
    board.anchor()
    with pytest.raises(AuditError, match="other_parties"):
        board.judge(board.proven(proof))


def test_only_who_was_the_platform_then_gives_receipts() -> None:
    terms = (Term("old", 1_000_000, 5_000), Term("new", 2_000_000, 5_000))
    ledger = BoardLedger("market", 0, terms, {}, {}, 0, {}, {})
    assert [list(ledger.platforms(time_ms)) for time_ms in (994_999, 995_000, 1_994_999, 2_000_000, 2_005_001)] == [
        [],
        ["old"],
        ["old"],
        ["old", "new"],
        ["new"],
    ]


def test_a_ledger_that_does_not_hold_decides_nothing(traded: Traded) -> None:
    board = traded.board
    blocks = board.blocks
    try:
        board.blocks = [*blocks[:-2], blocks[-1]]
        with pytest.raises(AuditError, match="wrong_number"):
            board.judge(board.proven(traded.sent, 2))
    finally:
        board.blocks = blocks


def test_of_what_is_not_sought_nothing_is_remembered(traded: Traded) -> None:
    ledger = traded.board.read(Sought())
    assert (ledger.first, ledger.anchored, ledger.parties, ledger.named) == ({}, {}, {}, {})
    assert ledger.last_size == 4


def test_an_honest_platform_is_never_at_fault_however_much_of_the_ledger_is_shown(board: SignedBoard) -> None:
    """Whoever has a receipt may leave out the end of a bundle, and the path that he was given."""
    proofs: list[BoardProof] = []
    for number in range(4):
        trade = board.market.bring_to("FUNDED", board.market.list_data(data=b"%d" % number)["id"])
        proofs.append(board.take(board.notice(trade)))
        if number % 2:
            board.ledger.wait(WITHIN_MS / 1000 - EPOCH_S)
            board.anchor()
        board.tick()
    states = [
        (block.number, one.timestamp_ms, {write.key: write.value for write in one.writes})
        for block in board.blocks
        for one in block.transactions
        if one.kind != "config"
    ]
    decided = 0
    for shown in (proofs, [board.proven(proof) for proof in proofs]):
        for end in range(1, len(states) + 1):
            ledger = told_by(board.ledger.market, states[:end], sought(shown))
            for proof in shown:
                verdict = judge(proof, ledger).verdict
                assert verdict is not Verdict.AT_FAULT
                decided += verdict is Verdict.PROVEN
    assert decided
