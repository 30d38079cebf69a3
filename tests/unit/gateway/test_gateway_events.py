"""Event streams: who is told what, where a stream goes on, and how many there may be."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from countermark.client import listings
from countermark.client.errors import ClientError
from countermark.gateway.api import EXTENSION
from countermark.gateway.events import EventStreams
from countermark.platform.views.events import after
from countermark.protocol.errors import ErrorCode
from tests.support.front import Front, Trader
from tests.support.market import actor


@contextmanager
def listening(who: Trader, path: str = "/v1/events", last_id: str = "") -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a stream as they come."""
    with who.http.events(path, last_id=last_id) as lines:

        def parsed() -> Iterator[dict[str, Any]]:
            event: dict[str, Any] = {}
            for line in lines:
                name, _, value = line.partition(": ")
                if not line and event:
                    yield event
                    event = {}
                elif name in ("id", "event"):
                    event[name] = value
                elif name == "data":
                    event |= json.loads(value)

        yield parsed()


def test_party_is_told_at_once(front: Front) -> None:
    buyer = front.trader("buyer")
    with listening(buyer) as events:
        front.world.market.mint(front.world.market.stranger, 1)
        front.world.market.mint(front.world.market.buyer, 5)
        event = next(events)
    assert (event["event"], event["function"], event["id"]) == ("coin.mint", "coin.mint", str(event["seq"]))
    assert set(event) == {"id", "event", "seq", "tx", "subject", "state", "function", "time"}


def test_stream_goes_on_after_the_last_event_seen(front: Front) -> None:
    buyer = front.trader("buyer")
    with listening(buyer) as events:
        for amount in (1, 2, 3):
            front.world.market.mint(front.world.market.buyer, amount)
        first, second, third = next(events), next(events), next(events)
    with listening(buyer, last_id=first["id"]) as events:
        assert [next(events), next(events)] == [second, third]


def test_stream_of_one_subject(front: Front) -> None:
    buyer = front.trader("buyer")
    with listening(buyer) as events:
        front.world.market.mint(front.world.market.buyer, 1)
        front.world.market.mint(front.world.market.buyer, 2)
        first, second = next(events), next(events)
    assert first["subject"] != second["subject"]
    before = str(first["seq"] - 1)
    with listening(buyer, f"/v1/events?subject={second['subject']}", last_id=before) as events:
        assert next(events) == second


def test_only_as_many_streams_as_leave_threads_for_requests(front: Front) -> None:
    buyer = front.trader("buyer")
    streams: EventStreams = front.app.extensions[EXTENSION].streams
    most = front.services.site.threads // 2
    held = [streams.open(buyer.address) for _ in range(most)]
    with pytest.raises(ClientError) as caught, buyer.http.events("/v1/events"):
        pass
    assert (caught.value.code, caught.value.status, caught.value.retryable) == ("busy", 503, True)
    beyond = front.raw().send(buyer.http._request("GET", "/v1/events"))
    assert (beyond.status_code, beyond.headers["Retry-After"]) == (503, "5")
    held[0].close()
    held[0].close()
    assert streams.running == most - 1
    with listening(buyer) as events:
        front.world.market.mint(front.world.market.buyer, 1)
        next(events)
    for stream in held:
        stream.close()
    assert streams.running == 0


def test_to_ask_for_the_headers_of_a_stream_holds_no_place(front: Front) -> None:
    buyer = front.trader("buyer")
    streams: EventStreams = front.app.extensions[EXTENSION].streams
    for _ in range(front.services.site.threads):
        answer = front.raw().send(buyer.http._request("HEAD", "/v1/events"))
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    assert streams.running == 0


def test_silent_stream_finds_out_whether_somebody_listens(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countermark.gateway.events.KEEPALIVE_S", 0.1)
    streams: EventStreams = front.app.extensions[EXTENSION].streams
    stream = streams.open("nobody")
    pieces = iter(stream)
    assert next(pieces).startswith(b":")
    assert next(pieces).startswith(b":")
    stream.close()


def test_streams_end_with_the_process(front: Front) -> None:
    streams: EventStreams = front.app.extensions[EXTENSION].streams
    stream = streams.open("nobody")
    front.services.bell.close()
    assert len(list(stream)) == 1


def test_unsigned_stream_is_refused(front: Front) -> None:
    assert front.raw().get("/v1/events").json()["code"] == str(ErrorCode.SIGNATURE_REQUIRED)


@pytest.mark.parametrize("last_id", ["x", "-1", "1" * 19, "1.0"])
def test_last_event_id_of_no_stream_is_refused(front: Front, last_id: str) -> None:
    buyer = front.trader("buyer")
    request = buyer.http._request("GET", "/v1/events", headers={"Last-Event-ID": last_id.encode()})
    assert front.raw().send(request).status_code == 400


def list_for_sale(front: Front, seller: Trader) -> str:
    front.world.market.mint(front.world.market.seller, 1000)
    terms, words = listings.Terms(10_001, {}), listings.Words(title="A title")
    address = str(listings.create(seller.market, seller.vault, front.photograph, terms, words).result["id"])
    listings.charge(seller.market, address)
    return address


def told(front: Front, name: str, subject: str) -> list[str]:
    """The functions of the events about `subject` that the account of that name may see."""
    with front.services.database.begin() as connection:
        return [event.function for event in after(connection, 0, account=actor(name).address, subject=subject)]


def test_listing_is_told_of_when_it_is_on_the_market_and_not_before(front: Front) -> None:
    listing = list_for_sale(front, front.trader("seller"))
    assert told(front, "seller", listing) == ["listing.create", "listing.charge"]
    assert told(front, "stranger", listing) == ["listing.charge"]


def test_stranger_is_not_told_of_a_trade(front: Front) -> None:
    trade = front.world.market.pay(list_for_sale(front, front.trader("seller")))
    assert [told(front, name, trade) for name in ("seller", "buyer", "stranger")] == [
        ["trade.pay"],
        ["trade.pay"],
        [],
    ]
