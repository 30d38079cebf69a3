"""A party that acts by itself: every turn of its own, nothing else, whatever happens in one of its trades."""

import threading
from pathlib import Path

import pytest

from countermark.client import deliveries, disputes, purchases, receiving
from countermark.client.agent import Agent, Folders
from countermark.client.patience import LONGEST_S, Patience
from countermark.client.receiving import Received
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import PackageSalts
from tests.unit.client.conftest import Person, Sale


def agent_of(person: Person, told: list[tuple[str, str]]) -> Agent:
    who = person.trader
    folders = Folders(person.packages, person.downloads, who.folder / "purchases")
    market = person.market()
    return Agent(market, who.keys, who.vault, folders, lambda *one: told.append(one), clock=lambda: CLOCK[0])


CLOCK = [0.0]


def test_two_agents_bring_a_trade_to_its_end(sale: Sale) -> None:
    told: list[tuple[str, str]] = []
    trade = sale.pay()
    seller, buyer = agent_of(sale.seller, told), agent_of(sale.buyer, told)
    for _ in range(6):
        seller.step()
        sale.front.work()
        buyer.step()
        sale.front.work()
    assert sale.state(trade) == "SETTLED"
    assert told == [(trade, name) for name in ("charge", "send", "receive: match", "confirm")]
    bought = sale.buyer.trader.folder / "purchases" / trade
    assert bought.read_bytes() == sale.front.photograph.read_bytes()
    assert bought.parent.stat().st_mode & 0o777 == 0o700
    assert seller.step() == buyer.step() == 0


def test_what_is_to_be_done_is_told_without_doing_it(sale: Sale) -> None:
    trade = sale.pay()
    assert agent_of(sale.seller, []).turns() == [(trade, "charge")]
    assert agent_of(sale.buyer, []).turns() == []
    assert sale.state(trade) == "PAID"


def test_an_act_that_fails_is_told_and_tried_again_later(sale: Sale, tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    trade = sale.funded()
    hidden = sale.front.photograph.rename(tmp_path / "hidden.jpg")
    agent = agent_of(sale.seller, told)
    assert agent.step() == 0
    assert told[0][0] == trade
    assert told[0][1].startswith("send: refused_here")
    hidden.rename(tmp_path / "photograph.jpg")
    assert agent.step() == 0
    CLOCK[0] += 5
    assert agent.step() == 1


def test_a_send_that_was_cut_off_is_completed(sale: Sale) -> None:
    told: list[tuple[str, str]] = []
    trade = sale.funded()
    agent = agent_of(sale.seller, told)
    sale.seller.wire.lost = lambda request: request.method == "PUT"
    assert agent.step() == 0
    sale.seller.wire.lost = lambda _: False
    assert agent.step() == 1
    assert told[-1] == (trade, "upload")
    sale.front.work()
    assert sale.state(trade) == "SENT"


@pytest.mark.parametrize(("mine", "told"), [(True, "trade.accept or trade.dispute"), (False, "others decide")])
def test_what_a_person_must_decide_is_told_once_with_its_deadline(sale: Sale, mine: bool, told: str) -> None:
    trade = sale.sent()
    who = sale.buyer.trader
    altered = Received(sale.front.photograph, "altered", b"r" * 32, PackageSalts(b"f" * 32, b"e" * 32), "image/v1")
    purchases.acknowledge(sale.buyer.market(), who.keys, who.vault, who.trade(trade), altered)
    heard: list[tuple[str, str]] = []
    agent = agent_of(sale.buyer if mine else sale.seller, heard)
    for _ in range(3):
        assert agent.step() == 0
    ((about, text),) = heard
    assert about == trade
    assert text.startswith("MISMATCHED: ")
    assert told in text
    assert text.endswith(who.trade(trade)["deadline"])
    purchases.dispute(sale.buyer.market(), trade, "mismatch")
    agent.step()
    assert heard[-1][1].startswith("DISPUTED: ")


def test_a_buyer_is_told_of_a_remedy_and_his_agent_accepts_nothing(sale: Sale) -> None:
    trade, market, seller = sale.sent(), sale.buyer.market(), sale.seller.trader
    purchases.dispute(market, trade, "undecryptable")
    disputes.open_key(market, sale.buyer.trader.vault, sale.buyer.trader.trade(trade))
    heard: list[tuple[str, str]] = []
    agent = agent_of(sale.buyer, heard)
    agent.step()
    packages, remedy = sale.seller.packages, deliveries.REMEDY
    shown = seller.trade(trade)
    deliveries.send(sale.seller.market(), seller.keys, seller.vault, shown, packages, delivery=remedy)
    sale.front.work()
    for _ in range(2):
        assert agent.step() == 0
    assert [text.partition(":")[0] for _, text in heard] == ["EVIDENCED", "EVIDENCED with a remedy"]
    assert "trade.accept" in heard[-1][1]
    assert sale.state(trade) == "EVIDENCED"


@pytest.mark.parametrize(("code", "tries"), [("package_undecryptable", 1), ("package_root_mismatch", 2)], ids=str)
def test_a_package_that_does_not_open_is_not_fetched_all_the_time(
    sale: Sale, monkeypatch: pytest.MonkeyPatch, code: str, tries: int
) -> None:
    trade = sale.sent()

    def fail(*_: object, **__: object) -> None:
        raise MarketError(ErrorCode(code), "on purpose")

    monkeypatch.setattr(receiving, "open_package", fail)
    heard: list[tuple[str, str]] = []
    agent = agent_of(sale.buyer, heard)
    for _ in range(5):
        agent.step()
    CLOCK[0] += 5
    for _ in range(5):
        agent.step()
    fetched = [path for method, path in sale.buyer.wire.requests if method == "GET" and path.endswith("/package")]
    assert len(fetched) == len(heard) == tries
    assert heard[0][0] == trade
    assert ("a person must dispute it until" in heard[0][1]) is (tries == 1)


def test_patience_grows_with_each_failure_and_ends_with_success() -> None:
    now = [0.0]
    patience = Patience(lambda: now[0])
    assert patience.over("t", "send")
    for pause in (5, 10, 20):
        patience.fail("t", "send")
        now[0] += pause - 1
        assert not patience.over("t", "send")
        now[0] += 1
        assert patience.over("t", "send")
    assert patience.over("t", "receive")
    for _ in range(20):
        patience.fail("t", "send")
    now[0] += LONGEST_S
    assert patience.over("t", "send")
    patience.fail("t", "send", for_good=True)
    now[0] += 10**9
    assert not patience.over("t", "send")


def test_an_agent_ends_at_once_and_outlives_a_gateway_that_is_away(sale: Sale) -> None:
    told: list[tuple[str, str]] = []
    away = threading.Event()

    def report(trade: str, text: str) -> None:
        told.append((trade, text))
        away.set()

    who = sale.seller.trader
    folders = Folders(sale.seller.packages, sale.seller.downloads, who.folder / "purchases")
    agent = Agent(sale.seller.market(), who.keys, who.vault, folders, report)
    sale.seller.wire.lost = lambda _: True
    running = threading.Thread(target=agent.run)
    running.start()
    assert away.wait(10)
    agent.end()
    running.join(4)
    assert not running.is_alive()
    assert told[0][1].startswith("gateway_unreachable")
