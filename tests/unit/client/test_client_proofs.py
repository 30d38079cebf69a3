"""What a party keeps of its notices: the receipt, the proof of its entry, and nothing that a gateway made up."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from countermark.client import proofs, purchases
from countermark.client.proofs import State
from countermark.platform.store import tables
from countermark.protocol import jws, merkle, receipts
from countermark.protocol.encoding import as_digest
from countermark.protocol.notices import parse_notice, sign_notice
from tests.support.platform import MARKET
from tests.unit.client.conftest import Person, Sale, failing
from tests.unit.client.test_client_agent import CLOCK, agent_of

OTHER = as_digest(b"0" * 32)


def obtained(person: Person, name: str) -> proofs.Held:
    return proofs.obtain(person.market(), person.trader.vault, name)


def sent_unanchored(sale: Sale) -> str:
    """Bring a trade to where the seller's notice is on the board and waits for its anchor."""
    trade = sale.funded()
    sale.seller.send(trade)
    return trade


def answering(person: Person, monkeypatch: pytest.MonkeyPatch, change: Callable[[str, Any], Any]) -> None:
    """Let what the gateway answers to questions be changed."""
    get = person.trader.http.get
    monkeypatch.setattr(person.trader.http, "get", lambda path, params=None: change(path, get(path, params)))


@pytest.mark.requirement("R67")
def test_both_parties_keep_what_proves_their_notices(sale: Sale, tmp_path: Path) -> None:
    trade = sale.sent()
    received = sale.buyer.fetch(trade, tmp_path / "photo.jpg")
    buyer = sale.buyer.trader
    purchases.acknowledge(sale.buyer.market(), buyer.keys, buyer.vault, buyer.trade(trade), received)
    sale.front.work()
    ledger = {row.size: row.root for row in sale.front.world.rows(tables.anchors)}
    for person, part, seq, size in ((sale.seller, "seller", 0, 1), (sale.buyer, "buyer", 1, 2)):
        vault = person.trader.vault
        assert proofs.waiting(vault) == proofs.waiting(vault, trade) == [f"{trade}-{part}"]
        held = obtained(person, f"{trade}-{part}")
        assert held.state(0) is State.ANCHORED
        inclusion, notice = held.proof.inclusion, held.shown.notice
        assert inclusion is not None
        assert notice is not None
        assert (held.shown.seq, inclusion.tree.size, ledger[size]) == (seq, size, as_digest(inclusion.tree.root))
        assert (notice.role, notice.trade, notice.author) == (part, trade, person.trader.address)
        assert proofs.waiting(vault) == []
        # Kept, it needs nobody any more.
        person.wire.lost = lambda _: True
        name = proofs.find(vault, trade)
        assert proofs.recall(vault, name) == obtained(person, name) == held


def test_until_its_anchor_an_entry_waits_and_then_is_overdue(sale: Sale) -> None:
    name = f"{sent_unanchored(sale)}-seller"
    held = obtained(sale.seller, name)
    assert held.proof.inclusion is None
    promised = held.shown.receipt.anchored_by_ms
    assert [held.state(now_ms) for now_ms in (promised, promised + 1)] == [State.WAITING, State.OVERDUE]
    assert proofs.waiting(sale.seller.trader.vault) == [name]
    sale.front.work()
    assert obtained(sale.seller, name).state(promised + 1) is State.ANCHORED


def test_a_dry_run_keeps_nothing(sale: Sale) -> None:
    name = f"{sale.sent()}-seller"
    vault = sale.seller.trader.vault
    assert proofs.obtain(sale.seller.market(dry_run=True), vault, name).state(0) is State.ANCHORED
    assert proofs.waiting(vault) == [name]


def test_of_a_remedy_the_second_receipt_is_found(sale: Sale) -> None:
    trade = sale.sent()
    vault = sale.seller.trader.vault
    assert proofs.find(vault, trade) == f"{trade}-seller"
    assert "no receipt" in failing(lambda: proofs.find(vault, trade, remedy=True)).detail
    assert "no receipt" in failing(lambda: proofs.find(vault, "tr1other")).detail


# Receipts that are none


def resigned(sale: Sale, token: str, **changes: Any) -> str:
    """Return the receipt of ``token`` as the platform signs it with other members; None leaves one out."""
    payload = {**jws.verify(token, receipts.TYP).payload, **changes}
    members = {name: value for name, value in payload.items() if value is not None}
    return jws.sign(sale.front.world.platform.key, receipts.TYP, members)


FORGED: list[tuple[dict[str, Any], str]] = [
    ({"leaf": OTHER}, "for another notice"),
    ({"seq": 7}, "for another notice"),
    ({"kind": "buyer_notice"}, "for another notice"),
    ({"received_at": "2020-01-01T00:00:00.000Z"}, "dated otherwise"),
    ({"received_at": "2120-01-01T00:00:00.000Z", "anchored_by": "2120-01-01T00:00:00.000Z"}, "dated otherwise"),
    ({"anchored_by": "2120-01-01T00:00:00.000Z"}, "too late to be worth anything"),
]


@pytest.mark.requirement("R67")
@pytest.mark.requirement("A-13")
def test_a_receipt_that_promises_something_else_is_not_taken(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    trade, vault = sale.funded(), sale.seller.trader.vault
    post = sale.seller.trader.http.post
    for changes, told in FORGED:

        def forge(path: str, body: dict[str, object], changes: Any = changes, **how: Any) -> Any:
            answer = post(path, body, **how)
            return {**answer, "receipt": resigned(sale, answer["receipt"], **changes)}

        with monkeypatch.context() as lying:
            lying.setattr(sale.seller.trader.http, "post", forge)
            error = failing(lambda: sale.seller.send(trade))
        assert (error.code, error.undecided) == ("outcome_unknown", True)
        assert told in error.detail
        assert vault.names("receipts") == []
    # Sent again to a gateway that does not lie, it is the same notice, with its receipt.
    sale.seller.send(trade)
    assert vault.names("receipts") == [f"{trade}-seller"]
    assert len(sale.front.world.rows(tables.board)) == 1


def test_a_receipt_of_an_earlier_version_is_completed_by_the_gateway(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{sale.sent()}-seller"
    vault = sale.seller.trader.vault
    record = vault.get("receipts", name)
    assert record is not None
    token = resigned(sale, record["receipt"], seq=None)
    vault.put("receipts", name, {**record, "receipt": token})
    assert "the gateway knows it" in failing(lambda: proofs.recall(vault, name)).detail
    assert "does not show the entry" in failing(lambda: obtained(sale.seller, name)).detail

    def shown(path: str, answer: Any) -> Any:
        return {**answer, "items": [{**answer["items"][0], "receipt": token}]} if path == "/v1/board" else answer

    answering(sale.seller, monkeypatch, shown)
    assert obtained(sale.seller, name).state(0) is State.ANCHORED


def test_without_the_notice_that_an_earlier_version_did_not_keep_nothing_is_proven(sale: Sale) -> None:
    name = f"{sale.sent()}-seller"
    vault = sale.seller.trader.vault
    record = vault.get("receipts", name)
    assert record is not None
    vault.put("receipts", name, {"receipt": record["receipt"]})
    assert proofs.waiting(vault) == []
    for act in (lambda: proofs.recall(vault, name), lambda: obtained(sale.seller, name)):
        assert "did not keep it" in failing(act).detail


# Gateways that show something else


LIES: list[dict[str, Any]] = [
    *({"path": [OTHER]}, {"root": OTHER}, {"size": 2}, {"seq": 1}, {"leaf": OTHER}, {"leaf": None}, {"more": 1}),
]


@pytest.mark.requirement("R67")
def test_a_proof_that_does_not_hold_is_not_kept(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{sale.sent()}-seller"
    for change in LIES:

        def lie(path: str, answer: Any, change: Any = change) -> Any:
            return {**answer, **change} if path.endswith("/proof") else answer

        with monkeypatch.context() as lying:
            answering(sale.seller, lying, lie)
            assert failing(lambda: obtained(sale.seller, name)).code == "gateway_answer", change
        assert proofs.waiting(sale.seller.trader.vault) == [name]
    assert obtained(sale.seller, name).state(0) is State.ANCHORED


@pytest.mark.requirement("R67")
def test_a_board_with_another_entry_under_the_number_is_told_and_not_taken_for_a_proof(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{sale.sent()}-seller"
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(3)]
    rewritten = {"leaf": as_digest(leaves[0]), "size": 3, "root": as_digest(merkle.root(leaves))}
    rewritten["path"] = [as_digest(step) for step in merkle.inclusion_proof(leaves, 0)]
    answering(
        sale.seller, monkeypatch, lambda path, answer: {**answer, **rewritten} if path.endswith("/proof") else answer
    )
    held = obtained(sale.seller, name)
    assert held.state(0) is State.REWRITTEN
    assert proofs.waiting(sale.seller.trader.vault) == [name]
    assert proofs.BoardProof.from_bytes(held.proof.to_bytes()) == held.proof


class Twice:
    """A seller with two notices on the board, of which the first is proven."""

    def __init__(self, sale: Sale) -> None:
        trade, board = sale.sent(), sale.front.services.board
        self.person, self.name = sale.seller, f"{trade}-remedy"
        self.first = obtained(sale.seller, f"{trade}-seller")
        who, notice = sale.seller.trader, self.first.shown.notice
        assert notice is not None
        token, _ = sign_notice(who.keys.account, replace(notice, blind=b"1" * 32), market=MARKET)
        signed = parse_notice(token, market=MARKET, platform=sale.front.world.platform.address)
        with sale.front.services.database.begin() as connection:
            receipt = board.append(connection, signed, received_at_ms=notice.claimed_at_ms)
        who.vault.put("receipts", self.name, {"receipt": receipt, "notice": token})
        sale.front.work()
        assert len(sale.front.world.rows(tables.anchors)) == 2


def test_a_tree_that_goes_on_the_one_known_before_is_taken_with_the_proof_of_it(sale: Sale) -> None:
    twice = Twice(sale)
    held = obtained(twice.person, twice.name)
    assert held.state(0) is State.ANCHORED
    first = twice.first.proof.inclusion
    assert first is not None
    assert held.proof.growth is not None
    assert held.proof.growth.tree == first.tree
    assert twice.person.trader.vault.get("board", "tree") == {
        "size": 2,
        "root": sale.front.world.rows(tables.anchors)[1].root,
    }


@pytest.mark.requirement("R67")
def test_a_gateway_that_shows_two_boards_is_found_out(sale: Sale) -> None:
    """What it has shown before, or to somebody who told of it, and what it shows now do not go together."""
    twice = Twice(sale)
    for size in (1, 2, 7):
        twice.person.trader.vault.put("board", "tree", {"size": size, "root": OTHER})
        error = failing(lambda: obtained(twice.person, twice.name))
        assert error.code == "gateway_answer"
        assert "two boards" in error.detail
        assert proofs.waiting(twice.person.trader.vault) == [twice.name]


def test_a_growth_that_does_not_hold_is_not_believed(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = Twice(sale)
    answering(
        twice.person,
        monkeypatch,
        lambda path, answer: {**answer, "path": [OTHER]} if path.endswith("/consistency") else answer,
    )
    assert "two boards" in failing(lambda: obtained(twice.person, twice.name)).detail


# Without being asked


def test_an_agent_keeps_the_proofs_by_itself(sale: Sale) -> None:
    trade = sale.funded()
    told: list[tuple[str, str]] = []
    seller = agent_of(sale.seller, told)
    while seller.step():
        sale.front.work()
    CLOCK[0] += 60
    seller.step()
    assert proofs.waiting(sale.seller.trader.vault) == []
    assert proofs.recall(sale.seller.trader.vault, f"{trade}-seller").state(0) is State.ANCHORED
    assert [text for _, text in told] == ["send"]


def test_an_agent_tells_once_of_a_promise_that_was_broken(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    trade = sent_unanchored(sale)
    told: list[tuple[str, str]] = []
    seller = agent_of(sale.seller, told)
    seller.step()
    assert [text for _, text in told] == ["upload"]
    late = sale.seller.market().now() + 700_000
    monkeypatch.setattr(seller._market, "now", lambda: late)
    for _ in range(3):
        CLOCK[0] += 600
        seller.step()
    (text,) = [text for about, text in told if about == trade and "notice" in text]
    assert "has not anchored your notice" in text


def test_an_agent_goes_on_when_no_proof_is_to_be_had(sale: Sale) -> None:
    trade = sent_unanchored(sale)
    told: list[tuple[str, str]] = []
    seller = agent_of(sale.seller, told)
    sale.seller.wire.lost = lambda request: request.url.path.startswith("/v1/board")
    for _ in range(3):
        CLOCK[0] += 600
        seller.step()
    (text,) = [text for about, text in told if about == trade and "notice" in text]
    assert text.startswith("the proof of your notice: gateway_unreachable")
