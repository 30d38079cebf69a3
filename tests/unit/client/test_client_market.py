"""Outcomes: told only when they are known; and what a gateway says is looked at before it is used."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from countermark.client import account
from countermark.client import market as client_market
from countermark.client.errors import ClientError
from countermark.client.http import Http
from countermark.client.market import Done, Market
from countermark.client.unanswered import Posting
from countermark.protocol import intents
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import digest
from tests.support.market import config_json

TX = "a" * 64


def transaction(state: str, **more: Any) -> dict[str, Any]:
    return {"txid": TX, "state": state, "function": "f", "result": None, "error": None, **more}


COMMITTED = transaction("committed", result={"id": "x", "state": "DONE"})


class Told:
    """Stands for `Http`: gives the answers laid down, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []

    def _next(self, path: str, sent: Any) -> Any:
        self.asked.append((path, sent))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get(self, path: str, params: Any = None) -> Any:
        return self._next(path, dict(params or {}))

    def post(self, path: str, body: Any, *, wait_s: int = 0, patience_s: int = 0) -> Any:
        return self._next(path, wait_s)


def market(told: Told, **options: Any) -> Market:
    return Market(cast(Http, told), AccountKey.generate(), **options)


def post(one: Market) -> Done:
    return one.perform(("act",), lambda: Posting("/v1/x", {}, "dc1x", 0))


def test_an_outcome_is_waited_for_until_it_is_known() -> None:
    told = Told(transaction("pending"), transaction("unknown"), transaction("pending"), COMMITTED)
    done = post(market(told))
    assert (done.txid, done.result) == (TX, {"id": "x", "state": "DONE"})
    assert told.asked[0] == ("/v1/x", client_market.WAIT_S)
    assert {path for path, _ in told.asked[1:]} == {f"/v1/transactions/{TX}"}


@pytest.mark.parametrize("state", ["pending", "unknown"])
def test_it_is_not_waited_for_where_that_is_not_wanted(state: str) -> None:
    told = Told(transaction(state))
    done = post(market(told, wait=False)).with_id()
    assert (done.txid, done.result) == (TX, {"id": "dc1x", "state": "pending"})
    assert told.asked == [("/v1/x", 0)]


@pytest.mark.parametrize(
    ("answers", "code", "txid"),
    [
        ([transaction("refused", error={"code": "wrong_state", "detail": "d"})], "wrong_state", TX),
        ([transaction("invalid", error={"code": "conflict", "detail": "d"})], "conflict", TX),
        ([transaction("invalid")], "conflict", TX),
        ([ClientError("gateway_silent", "broke off", undecided=True)], "outcome_unknown", ""),
        ([ClientError("gateway_unreachable", "no way", undecided=True)], "outcome_unknown", ""),
        ([ClientError("gateway_unreachable", "no way")], "gateway_unreachable", ""),
        ([ClientError("insufficient_funds", "d", txid=TX)], "insufficient_funds", TX),
        ([transaction("pending"), ClientError("gateway_unreachable", "no way")], "outcome_unknown", TX),
        ([transaction("pending"), ClientError("gateway_answer", "rubbish")], "outcome_unknown", TX),
        (
            [
                ClientError("internal", "d", txid=TX, undecided=True),
                transaction("refused", error={"code": "internal", "detail": "d"}),
            ],
            "internal",
            TX,
        ),
        ([{}], "outcome_unknown", ""),
        ([transaction("done")], "outcome_unknown", ""),
        ([{**COMMITTED, "txid": None}], "outcome_unknown", ""),
        ([{**COMMITTED, "txid": "../market"}], "outcome_unknown", ""),
    ],
    ids=str,
)
def test_every_other_end_is_an_error(answers: list[Any], code: str, txid: str) -> None:
    with pytest.raises(ClientError) as caught:
        post(market(Told(*answers)))
    assert (caught.value.code, caught.value.txid) == (code, txid)
    # Whoever does not know what came of it is told what it is about.
    assert caught.value.entity == ("dc1x" if code == "outcome_unknown" else "")


def test_a_transaction_that_the_gateway_fails_on_is_asked_for() -> None:
    told = Told(ClientError("outcome_unknown", "d", txid=TX, undecided=True), COMMITTED)
    assert post(market(told)).result == {"id": "x", "state": "DONE"}


def test_a_ledger_that_never_tells_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_market, "WAIT_S", 0)
    with pytest.raises(ClientError) as caught:
        post(market(Told(transaction("pending"))))
    assert (caught.value.code, caught.value.txid) == ("outcome_unknown", TX)


def test_the_market_is_read_once() -> None:
    told = Told({"market": "market/countermark", "config": config_json()})
    one = market(told)
    assert (one.name, one.config.currency, one.config.bond) == ("market/countermark", "EUR", 500)
    assert len(told.asked) == 1


@pytest.mark.parametrize(("action", "lifetime_s"), [("trade.confirm", 120), ("trade.ack", 300)])
def test_an_intent_lives_no_longer_than_the_market_lets_it(action: str, lifetime_s: int) -> None:
    intents_live = {"longest": 3600, "longest_money": 120}
    told = Told({"market": "market/countermark", "config": config_json(intents=intents_live)})
    one = market(told)
    params = {"trade": "tr1" + "a" * 52}
    if action == "trade.ack":
        params |= {"verdict": "match", "notice": digest(b"notice")}
    intent = intents.parse(one.sign(action, params), market=one.name)
    assert intent.expires_at_ms - intent.issued_at_ms == lifetime_s * 1000


@pytest.mark.parametrize(
    "resource", [{}, {"market": "m"}, {"market": "m", "config": {}}, {"market": "m", "config": None}]
)
def test_a_malformed_market_is_an_error(resource: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        _ = market(Told(resource)).config
    assert caught.value.code == "gateway_answer"


def test_all_pages_of_a_collection_are_read() -> None:
    told = Told({"items": [{"n": 1}], "next": "c1"}, {"items": [], "next": "c2"}, {"items": [{"n": 2}], "next": None})
    assert list(market(told).pages("/v1/x", {"q": "a"})) == [{"n": 1}, {"n": 2}]
    assert [sent for _, sent in told.asked] == [
        {"q": "a"},
        {"q": "a", "cursor": "c1"},
        {"q": "a", "cursor": "c2"},
    ]


def test_all_coins_are_told_not_the_first_page_of_them() -> None:
    told = Told({"coins": [{"id": "a", "amount": "1"}], "next": "c1"}, {"coins": [{"id": "b", "amount": "2"}]})
    assert [coin["id"] for coin in account.coins(market(told))] == ["a", "b"]


@pytest.mark.parametrize("page", [{}, {"items": None}, {"items": [], "next": "again"}], ids=str)
def test_a_collection_without_end_or_items_is_an_error(page: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        list(market(Told(page)).pages("/v1/x"))
    assert caught.value.code == "gateway_answer"


@pytest.mark.parametrize("act", [lambda one: one.address, lambda one: one.sign("trade.confirm", {})])
def test_without_an_account_nothing_is_signed(act: Callable[[Market], object]) -> None:
    told = Told({"market": "m", "config": config_json()})
    with pytest.raises(ClientError) as caught:
        act(Market(cast(Http, told)))
    assert caught.value.code == "signature_required"
