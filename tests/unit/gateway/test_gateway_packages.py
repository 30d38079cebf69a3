"""/v1/trades/{id}/package: pieces in, ranges out, and nothing on the disk that is not wanted."""

from collections.abc import Iterator
from typing import Any

import pytest

from countermark.client import deliveries, purchases
from countermark.client.http import Http
from countermark.gateway.routes import packages
from countermark.platform.store import tables
from countermark.protocol.errors import ErrorCode
from tests.support.market import actor
from tests.unit.gateway.conftest import Sale, refused


def test_package_goes_on_where_it_stopped(sale: Sale) -> None:
    trade = sale.pay()
    deliveries.charge(sale.seller.market, sale.seller.trade(trade))
    path = f"/v1/trades/{trade}/package"
    assert sale.seller.http.head(path)["Upload-Offset"] == "0"
    assert sale.seller.http.put_range(path, b"a" * 100, start=0, total=1000)["received"] == 100
    assert sale.seller.http.head(path)["Upload-Offset"] == "100"
    with refused(ErrorCode.UPLOAD_OFFSET) as caught:
        sale.seller.http.put_range(path, b"a" * 100, start=500, total=1000)
    assert caught.value.extra == {"received": 100}
    with refused(ErrorCode.MALFORMED_REQUEST):
        sale.seller.http._json(
            sale.seller.http._send("PUT", path, content=b"abc", headers={"Content-Range": "bytes 100-199/1000"})
        )
    assert sale.seller.http.head(path)["Upload-Offset"] == "100"


def test_piece_of_another_body_than_was_signed_is_not_kept(sale: Sale) -> None:
    trade = sale.pay()
    deliveries.charge(sale.seller.market, sale.seller.trade(trade))
    path = f"/v1/trades/{trade}/package"
    headers = {"Content-Range": "bytes 0-2/1000"}
    request = sale.seller.http._request("PUT", path, content=b"abc", headers=headers)
    forged = sale.front.raw().build_request("PUT", path, content=b"xyz", headers=request.headers)
    answer = sale.front.raw().send(forged)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert sale.seller.http.head(path)["Upload-Offset"] == "0"


def test_package_is_the_buyers_alone_and_in_ranges(sale: Sale) -> None:
    trade = sale.pay()
    path = f"/v1/trades/{trade}/package"
    with refused(ErrorCode.PACKAGE_NOT_RELEASED), sale.buyer.http.download(path):
        pass
    sale.send(trade)
    size = sale.buyer.trade(trade)["package"]["size"]
    with sale.buyer.http.download(path) as pieces:
        whole = b"".join(pieces)
    assert len(whole) == size
    with sale.buyer.http.download(path, start=100) as pieces:
        assert b"".join(pieces) == whole[100:]
    part = sale.buyer.http._send("GET", path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{size}"
    with refused(ErrorCode.MALFORMED_REQUEST) as caught:
        sale.buyer.http._send("GET", path, headers={"Range": f"bytes={size}-"})
    assert caught.value.status == 416
    with refused(ErrorCode.WRONG_ACTOR), sale.seller.http.download(path):
        pass
    with refused(ErrorCode.UNKNOWN_TRADE), sale.front.trader("stranger").http.download(path):
        pass


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The announced sizes of the pieces whose bodies were taken in."""
    seen: list[int] = []
    spooled = packages.spooled

    def watched(folder: Any, pieces: Any, size: int) -> Any:
        seen.append(size)
        return spooled(folder, pieces, size)

    monkeypatch.setattr(packages, "spooled", watched)
    return seen


def _put(http: Http, trade: str, data: bytes, field: str) -> None:
    http._send("PUT", f"/v1/trades/{trade}/package", content=data, headers={"Content-Range": field})


@pytest.mark.parametrize("who", ["nobody", "buyer"])
def test_body_of_somebody_else_is_not_taken_in(sale: Sale, bodies: list[int], who: str) -> None:
    trade = sale.pay()
    deliveries.charge(sale.seller.market, sale.seller.trade(trade))
    http = sale.buyer.http if who == "buyer" else sale.front.http(actor("nobody at all"))
    with refused(ErrorCode.WRONG_ACTOR if who == "buyer" else ErrorCode.UNKNOWN_TRADE):
        _put(http, trade, b"x" * 1000, "bytes 0-999/1000")
    assert bodies == []


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("bytes 0-999/1000000000000", ErrorCode.TOO_LARGE),
        ("bytes 5000-5999/10000", ErrorCode.UPLOAD_OFFSET),
        ("bytes 0-998/10000", ErrorCode.MALFORMED_REQUEST),
        ("bytes 0-9999/10000", ErrorCode.MALFORMED_REQUEST),
    ],
)
def test_body_that_cannot_be_wanted_is_not_taken_in(
    sale: Sale, bodies: list[int], field: str, code: ErrorCode
) -> None:
    trade = sale.pay()
    deliveries.charge(sale.seller.market, sale.seller.trade(trade))
    with refused(code):
        _put(sale.seller.http, trade, b"x" * 1000, field)
    assert bodies == []


def test_body_without_a_length_is_taken_in_no_further_than_announced(sale: Sale) -> None:
    trade = sale.pay()
    deliveries.charge(sale.seller.market, sale.seller.trade(trade))
    path = f"/v1/trades/{trade}/package"
    whole = b"x" * (1 << 20)
    headers = dict(
        sale.seller.http._request("PUT", path, content=whole, headers={"Content-Range": "bytes 0-9/1000"}).headers
    )
    del headers["content-length"]

    def chunks() -> Iterator[bytes]:
        yield whole

    answer = sale.front.raw().put(path, content=chunks(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert sale.seller.http.head(path)["Upload-Offset"] == "0"


def test_refused_upload_names_the_state_and_what_is_allowed(sale: Sale, bodies: list[int]) -> None:
    trade = sale.pay()
    with refused(ErrorCode.WRONG_STATE) as caught:
        _put(sale.seller.http, trade, b"x" * 1000, "bytes 0-999/1000")
    assert caught.value.extra == {"trade_state": "PAID", "allowed": ["trade.cancel", "trade.charge"]}
    assert bodies == []


def test_refused_notice_names_the_state_and_what_is_allowed(sale: Sale) -> None:
    trade = sale.pay()
    sale.send(trade)
    before = sale.buyer.trade(trade)
    received = sale.receive(trade)
    with refused(ErrorCode.WRONG_STATE) as caught:
        purchases.acknowledge(sale.buyer.market, sale.buyer.keys, sale.buyer.vault, before, received)
    assert caught.value.extra == {"trade_state": "MATCHED", "allowed": ["trade.confirm", "trade.dispute"]}


@pytest.fixture
def sent(sale: Sale) -> tuple[Sale, str, int]:
    """A sale whose package may be fetched, its path and its size."""
    trade = sale.pay()
    sale.send(trade)
    return sale, f"/v1/trades/{trade}/package", sale.buyer.trade(trade)["package"]["size"]


def test_range_beyond_the_end_stops_there_and_the_last_bytes_can_be_asked_for(sent: tuple[Sale, str, int]) -> None:
    sale, path, size = sent
    for field, start in (("bytes=0-99999999999", 0), (f"bytes=10-{size}", 10), ("bytes=-7", size - 7)):
        part = sale.buyer.http._send("GET", path, headers={"Range": field})
        assert (part.status_code, len(part.content)) == (206, size - start)
        assert part.headers["Content-Range"] == f"bytes {start}-{size - 1}/{size}"


@pytest.mark.parametrize("field", ["bytes={size}-", "bytes={size}-{size}", "bytes=-0"])
def test_range_of_nothing_is_told_the_size(sent: tuple[Sale, str, int], field: str) -> None:
    sale, path, size = sent
    request = sale.buyer.http._request("GET", path, headers={"Range": field.format(size=size)})
    answer = sale.front.raw().send(request)
    assert (answer.status_code, answer.json()["code"]) == (416, "malformed_request")
    assert answer.headers["Content-Range"] == f"bytes */{size}"


def test_head_tells_the_buyer_what_get_would_bring_and_is_no_release(sent: tuple[Sale, str, int]) -> None:
    sale, path, size = sent
    head = sale.buyer.http.head(path)
    assert sale.front.world.rows(tables.packages)[0].state == "COMPLETE"
    whole = sale.buyer.http._send("GET", path).headers
    for name in ("Content-Length", "ETag", "Accept-Ranges", "Content-Type", "Cache-Control"):
        assert head[name] == whole[name]
    assert head["Content-Length"] == str(size)
    assert sale.seller.http.head(path)["Upload-Offset"] == str(size)
    with refused(ErrorCode.UNKNOWN_TRADE):
        sale.front.trader("stranger").http._json(sale.front.trader("stranger").http._send("GET", path))


def test_missing_bytes_are_an_answer_and_no_broken_download(sent: tuple[Sale, str, int]) -> None:
    sale, path, _size = sent
    (row,) = sale.front.world.rows(tables.packages)
    sale.front.world.objects.delete(row.object_name)
    with refused(ErrorCode.NOT_FOUND):
        sale.buyer.http._send("GET", path)
