"""Waiting for a trade: by the gateway's event stream, and by asking where it has none to spare."""

import pytest

from countermark.client import trades
from countermark.client.errors import ClientError
from countermark.client.market import Market
from countermark.protocol.accounts import AccountKey
from tests.support.https_server import Answer, problem
from tests.unit.client.conftest import Serve, connect

TRADE = f"tr1{'a' * 52}"
BUSY = problem(503, "busy")


def in_state(state: str) -> Answer:
    return Answer(body={"id": TRADE, "state": state, "package": None, "outcome": ""})


def test_whoever_gets_no_stream_asks_until_it_is_time(
    serve: Serve, key: AccountKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trades, "_POLL_S", 0.0)
    script, server = serve(BUSY, in_state("UPLOADED"), BUSY, in_state("SENT"))
    found = trades.await_state(Market(connect(server, key)), TRADE, frozenset({"SENT"}))
    assert found["state"] == "SENT"
    assert [one.path for one in script.requests] == ["/v1/events", f"/v1/trades/{TRADE}"] * 2


def test_a_stream_that_ends_is_opened_again(serve: Serve, key: AccountKey) -> None:
    stream = Answer(body=b": open\n\n")
    script, server = serve(stream, in_state("UPLOADED"), stream, in_state("SENT"))
    assert trades.await_state(Market(connect(server, key)), TRADE, frozenset({"SENT"}))["state"] == "SENT"
    assert len(script.requests) == 4


def test_a_trade_that_has_ended_otherwise_is_not_waited_for(serve: Serve, key: AccountKey) -> None:
    _, server = serve(BUSY, in_state("REFUNDED"))
    with pytest.raises(ClientError) as refused:
        trades.await_state(Market(connect(server, key)), TRADE, frozenset({"SENT"}))
    assert refused.value.code == "wrong_state"
