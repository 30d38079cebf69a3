"""Requests that were not answered: never called failed while they may commit, and never made twice."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.client import account, deliveries, listings, purchases, trades
from countermark.client.errors import ClientError
from countermark.client.market import Done
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.https_server import DROP, Answer, problem
from tests.support.pictures import jpeg, photo
from tests.unit.client.conftest import Person, Sale, Serve, connect, failing

START = 50_000


def posting(path: str) -> Callable[[httpx.Request], bool]:
    return lambda request: request.method == "POST" and request.url.path.endswith(path)


def no_fault(_: httpx.Request) -> bool:
    return False


def pay(person: Person, to: Person, amount: str = "5") -> Done:
    return account.transfer(person.market(), to.trader.address, amount)


def unanswered(person: Person) -> list[str]:
    return person.trader.vault.names("unanswered")


# What leaves an outcome open

REFUSED = problem(409, "insufficient_funds")
BUSY = problem(503, "busy", retryable=True)
HTML = Answer(504, b"<html>gateway timeout</html>")


@pytest.mark.parametrize(
    ("answers", "code", "undecided"),
    [
        ([DROP, BUSY], "busy", True),
        ([DROP, problem(429, "rate_limited", retryable=True)], "rate_limited", True),
        ([DROP, problem(500, "internal")], "internal", True),
        ([DROP, HTML], "gateway_answer", True),
        ([HTML], "gateway_answer", True),
        ([Answer(200, b"<html>log in first</html>")], "gateway_answer", True),
        ([Answer(307, b"", {"Location": "https://elsewhere.example/"})], "gateway_answer", True),
        ([problem(503, "database_unavailable", retryable=True)], "database_unavailable", True),
        ([problem(503, "ledger_unavailable", retryable=True)], "ledger_unavailable", True),
        ([problem(500, "internal")], "internal", True),
        ([problem(504, "outcome_unknown", retryable=True)], "outcome_unknown", True),
        ([problem(400, "a_code_of_tomorrow")], "a_code_of_tomorrow", True),
        ([DROP], "gateway_silent", True),
        ([DROP, problem(400, "intent_expired")], "intent_expired", True),
        ([DROP, REFUSED], "insufficient_funds", False),
        ([BUSY], "busy", False),
        ([problem(429, "rate_limited", retryable=True)], "rate_limited", False),
        ([problem(400, "intent_expired")], "intent_expired", False),
        ([REFUSED], "insufficient_funds", False),
    ],
    ids=str,
)
def test_only_a_refusal_or_not_having_been_taken_ends_a_request(
    serve: Serve, answers: list[Answer], code: str, undecided: bool
) -> None:
    _, server = serve(*answers)
    error = failing(lambda: connect(server).post("/v1/trades", {"intent": "x"}))
    assert (error.code, error.undecided) == (code, undecided)


# Doing it again


@pytest.mark.parametrize("status", [200, 503, 504])
def test_a_payment_whose_answer_is_rubbish_is_unknown_and_is_made_once(sale: Sale, status: int) -> None:
    one, other = sale.seller, sale.buyer
    one.wire.replace = lambda request: httpx.Response(status, text="<html>") if request.method == "POST" else None
    error = failing(lambda: pay(one, other))
    assert (error.code, error.undecided) == ("outcome_unknown", True)
    assert error.entity
    one.wire.replace = lambda _: None
    done = pay(one, other)
    assert done.resumed
    assert account.balance(other.market()) == START + 5
    assert unanswered(one) == []
    assert not pay(one, other).resumed
    assert account.balance(other.market()) == START + 10


def test_a_request_that_a_worker_commits_later_is_not_failed(sale: Sale) -> None:
    one, other = sale.seller, sale.buyer
    waiting: list[str] = []

    def away(request: httpx.Request) -> httpx.Response | None:
        """The database goes away once it holds the row."""
        if request.method != "POST":
            return None
        sale.front.channel.away = True
        answer = one.wire.pass_on(request)
        waiting.append(json.loads(answer.read())["txid"])
        return httpx.Response(503, json={"code": "database_unavailable", "detail": ""}, request=request)

    one.wire.replace = away
    assert failing(lambda: account.transfer(one.market(wait=False), other.trader.address, "5")).code == (
        "outcome_unknown"
    )
    one.wire.replace = lambda _: None
    sale.front.channel.away = False
    sale.front.finish(waiting[0])
    assert pay(one, other).resumed
    assert account.balance(other.market()) == START + 5


def test_a_request_that_never_left_is_failed_and_not_kept(sale: Sale) -> None:
    sale.buyer.wire.lost = posting("/transfers")
    assert failing(lambda: pay(sale.buyer, sale.seller)).code == "gateway_unreachable"
    assert unanswered(sale.buyer) == []


def test_one_that_left_before_is_unknown_as_long_as_nobody_can_be_asked(sale: Sale) -> None:
    one, other = sale.seller, sale.buyer
    one.wire.silent = posting("/transfers")
    first = failing(lambda: pay(one, other))
    one.wire.silent = no_fault
    one.wire.lost = lambda _: True
    again = failing(lambda: pay(one, other))
    assert (first.code, again.code) == ("outcome_unknown", "outcome_unknown")
    assert again.entity == first.entity


def test_a_refused_one_is_forgotten_and_the_next_is_new(sale: Sale) -> None:
    one, other = sale.seller, sale.buyer
    one.wire.silent = posting("/transfers")
    sale.front.channel.refuse["coin.transfer"] = MarketError(ErrorCode.ACCOUNT_FROZEN)
    assert failing(lambda: pay(one, other)).code == "outcome_unknown"
    one.wire.silent = no_fault
    sale.front.channel.refuse.clear()
    assert not pay(one, other).resumed
    assert account.balance(other.market()) == START + 5


def test_another_amount_is_another_act(sale: Sale) -> None:
    one, other = sale.seller, sale.buyer
    one.wire.silent = posting("/transfers")
    failing(lambda: pay(one, other))
    one.wire.silent = no_fault
    assert not pay(one, other, "6").resumed
    assert account.balance(other.market()) == START + 11


def test_what_is_not_waited_for_is_answered(sale: Sale) -> None:
    one, other = sale.seller, sale.buyer
    for _ in range(2):
        done = account.transfer(one.market(wait=False), other.trader.address, "5")
        sale.front.finish(done.txid)
    assert account.balance(other.market()) == START + 10


@pytest.mark.parametrize("silent", [True, False], ids=["it committed", "it never arrived"])
def test_an_expired_payment_is_only_made_anew_if_it_never_committed(
    sale: Sale, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    """Also when the gateway has lost what it knew, or is another one: the ledger is asked."""
    one, other = sale.seller, sale.buyer
    if silent:
        one.wire.silent = posting("/transfers")
    else:
        one.wire.replace = lambda request: httpx.Response(500) if request.method == "POST" else None
    failing(lambda: pay(one, other))
    one.wire.silent, one.wire.replace = no_fault, lambda _: None
    services = sale.front.services
    monkeypatch.setattr(services.outbox, "find_intent", lambda *_: None)
    late_ms = services.clock() + 301_000
    monkeypatch.setattr(type(services), "clock", staticmethod(lambda: late_ms))
    early = failing(lambda: pay(one, other)) if not silent else None
    assert early is None or early.code == "outcome_unknown", "its envelope may still be on its way"
    market = one.market()
    monkeypatch.setattr(market, "now", lambda: late_ms + 3_600_000)
    if not silent:
        monkeypatch.setattr(type(services), "clock", staticmethod(lambda: late_ms + 3_600_000))
        sale.front.channel.now_ms = late_ms + 3_600_000
    done = account.transfer(market, other.trader.address, "5")
    assert done.resumed is silent
    assert account.balance(other.market()) == START + 5


# Purchases


@pytest.mark.requirement("R35")
def test_who_buys_again_after_a_lost_answer_is_told_the_same_trade(sale: Sale) -> None:
    sale.buyer.wire.silent = posting("/v1/trades")
    lost = failing(sale.pay)
    assert (lost.code, lost.entity[:3]) == ("outcome_unknown", "tr1")
    sale.buyer.wire.silent = no_fault
    assert sale.pay() == lost.entity
    # And once it is known, too: his own payment is not another buyer's.
    assert sale.pay() == lost.entity
    assert [one["id"] for one in trades.mine(sale.buyer.market())] == [lost.entity]
    assert account.balance(sale.buyer.market()) == START - 10_001 - int(sale.buyer.market().config.bond)


def test_another_buyers_payment_is_not_ones_own(sale: Sale) -> None:
    sale.pay()
    stranger = Person(sale.front.trader("stranger"), sale.buyer.wire)
    account.fund(stranger.market(), "50000", "theirs")
    error = failing(lambda: purchases.buy(stranger.market(), stranger.trader.vault, sale.listing))
    assert error.code == "already_reserved"


def test_ctrl_c_in_the_middle_of_a_payment_tells_the_trade_and_goes_on_later(sale: Sale) -> None:
    def interrupt(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST":
            return None
        sale.buyer.wire.pass_on(request)
        raise KeyboardInterrupt

    sale.buyer.wire.replace = interrupt
    error = failing(sale.pay)
    assert (error.code, error.entity[:3]) == ("outcome_unknown", "tr1")
    sale.buyer.wire.replace = lambda _: None
    assert sale.pay() == error.entity


# Listings and notices


def coffee(sale: Sale) -> Path:
    path = sale.front.folder / "coffee.jpg"
    path.write_bytes(jpeg(photo("coffee").resize((256, 256))))
    return path


def test_a_listing_whose_answer_is_lost_is_made_once(sale: Sale) -> None:
    other = coffee(sale)

    def create() -> Done:
        terms, words = listings.Terms(5, {}), listings.Words("Coffee", tags=("cup",))
        return listings.create(sale.seller.market(), sale.seller.trader.vault, other, terms, words)

    sale.seller.wire.silent = posting("/v1/listings")
    lost = failing(create)
    assert lost.entity.startswith("dc1")
    sale.seller.wire.silent = no_fault
    done = create()
    assert (done.resumed, done.result["id"], done.result["state"]) == (True, lost.entity, "PENDING_FEE")


def test_a_listing_that_came_in_time_is_found_after_its_intent_has_expired(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = sale.seller.market()
    arguments: Any = (sale.seller.trader.vault, coffee(sale), listings.Terms(5, {}), listings.Words())
    sale.seller.wire.silent = posting("/v1/listings")
    lost = failing(lambda: listings.create(market, *arguments))
    sale.seller.wire.silent = no_fault
    monkeypatch.setattr(
        sale.seller.trader.http,
        "post",
        lambda *_, **__: (_ for _ in ()).throw(ClientError("intent_expired", "too late", status=400)),
    )
    monkeypatch.setattr(market, "now", lambda: 2**42)
    done = listings.create(market, *arguments)
    assert (done.resumed, done.result["id"]) == (True, lost.entity)
    assert len(done.txid) == 64


def test_a_notice_whose_answer_is_lost_is_sent_once_and_its_receipt_kept(sale: Sale) -> None:
    trade = sale.funded()
    before = sale.seller.trader.trade(trade)
    sale.seller.wire.silent = posting("/notices")
    assert failing(lambda: sale.seller.send(trade)).entity == trade
    assert sale.seller.trader.vault.names("receipts") == []
    sale.seller.wire.silent = no_fault
    sale.seller.send(trade, resource=before)
    assert sale.seller.trader.vault.names("receipts") == [f"{trade}-seller"]
    assert len(sale.front.http(sale.front.world.market.supervisor).get("/v1/board")["items"]) == 1


def test_a_commitment_to_a_package_that_is_lost_is_not_made_again(sale: Sale) -> None:
    trade = sale.funded()
    sale.seller.wire.replace = lambda request: httpx.Response(500) if request.url.path.endswith("notices") else None
    assert failing(lambda: sale.seller.send(trade)).code == "outcome_unknown"
    deliveries.package_file(sale.seller.packages, trade).unlink()
    sale.seller.wire.replace = lambda _: None
    done = sale.seller.send(trade)
    assert done is not None
    assert not done.resumed
    sale.front.work()
    assert sale.state(trade) == "SENT"


# Two at once


def test_of_two_that_do_the_same_at_the_same_moment_both_do_it(sale: Sale) -> None:
    one, other = sale.seller, sale.buyer
    begun, go = threading.Event(), threading.Event()

    def hold(_: httpx.Request) -> None:
        begun.set()
        assert go.wait(30)

    one.wire.watch = lambda request: hold(request) if request.method == "POST" else None
    done: list[Done] = []
    first, second = (threading.Thread(target=lambda: done.append(pay(one, other))) for _ in range(2))
    first.start()
    assert begun.wait(30)
    second.start()
    go.set()
    first.join()
    second.join()
    assert [act.resumed for act in done] == [False, False]
    assert account.balance(other.market()) == START + 10
