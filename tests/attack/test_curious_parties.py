"""Who asks the gateway for what is not his: other buyers, and outsiders who have recorded requests or try ids."""

import base64
import re
from collections.abc import Iterator

import httpx
import pytest

from countermark.client import account, listings
from countermark.client.data import only
from countermark.client.examining import examine
from countermark.client.http import Http
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode
from tests.support.front import Front
from tests.support.pictures import jpeg, photo
from tests.unit.client.conftest import Sale, front, sale

__all__ = ["front", "sale"]


def routes(front: Front, *names: str) -> Iterator[str]:
    """Every path that can be read and has exactly these parts to fill in."""
    for rule in front.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.rule.startswith("/v1/") and rule.arguments == set(names):
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def answer_to(http: Http, path: str) -> tuple[int, bytes]:
    """Status and body of what is told under ``path``."""
    response = http._client.send(http._request("GET", path))
    return response.status_code, response.content


def spellings(secret: bytes) -> list[bytes]:
    return [secret, b64u(secret).encode(), base64.b64encode(secret), secret.hex().encode()]


def test_buyer_reads_anothers_trade_package_or_fingerprint(sale: Sale) -> None:
    trade, front = sale.sent(), sale.front
    other = front.trader("stranger").http
    told = [answer_to(other, path.format(trade=trade)) for path in routes(front, "trade")]
    assert len(told) >= 6
    assert {status for status, _ in told} == {404}
    assert not [body for _, body in told if sale.seller.trader.address.encode() in body]
    for path in ("/v1/trades", "/v1/board"):
        assert other.get(path)["items"] == []
    for path in routes(front, "subject"):
        assert answer_to(other, path.format(subject=trade))[0] == 403
    # What was registered is on the market: everything that can be read of it leaves the fingerprint out.
    (fingerprint,) = examine(front.photograph, only(["image/v1"])).items
    public = [answer_to(other, path.format(listing=sale.listing)) for path in routes(front, "listing")]
    public += [answer_to(other, f"{path}?state=any") for path in routes(front) if path.endswith("listings")]
    assert {status for status, _ in public} == {200}
    for _, body in public:
        assert not [one for one in spellings(fingerprint) if one in body]


def test_outsider_replays_requests(sale: Sale) -> None:
    """Recorded where TLS has ended: what is told to the one who signs is not told again, and writes act once."""
    recorded: list[httpx.Request] = []
    buyer = sale.buyer
    buyer.wire.watch = recorded.append
    trade = sale.pay()
    buyer.trader.trade(trade)
    before = account.balance(buyer.market())
    buyer.wire.watch = lambda _: None
    outsider = sale.front.raw(remote="198.51.100.7")

    def again(sent: httpx.Request) -> httpx.Response:
        return outsider.send(httpx.Request(sent.method, sent.url, headers=sent.headers, content=sent.content))

    private = [one for one in recorded if one.url.path == f"/v1/trades/{trade}" or one.url.path.endswith("/coins")]
    assert len(private) == 2
    for answer in map(again, private):
        assert (answer.status_code, answer.json().get("code")) == (401, ErrorCode.BAD_SIGNATURE)
    (payment,) = [one for one in recorded if one.method == "POST"]
    for _ in range(2):
        answer = again(payment)
        assert (answer.status_code, answer.json()["result"]["id"]) == (200, trade)
    assert account.balance(buyer.market()) == before
    assert len(buyer.trader.http.get("/v1/trades")["items"]) == 1


MADE_UP = {"trade": "tr1" + "a" * 52, "listing": "dc1" + "a" * 52, "seq": "7"}


@pytest.mark.parametrize("who", ["stranger", None], ids=["with an account", "without"])
def test_outsider_scans_ids(sale: Sale, who: str | None) -> None:
    """Of what is not his he is told the same whether it is there or not; and no id can be worked out."""
    front, seller = sale.front, sale.seller
    path = front.folder / "coffee.jpg"
    path.write_bytes(jpeg(photo("coffee").resize((256, 256))))
    unpaid = listings.create(seller.market(), seller.trader.vault, path, listings.Terms(5, {}), listings.Words())
    there = {"trade": sale.sent(), "listing": str(unpaid.entity), "seq": "0"}
    scanning = front.http() if who is None else front.trader(who).http
    for name, found in there.items():
        for route in routes(front, name):
            told = [answer_to(scanning, route.format(**{name: one})) for one in (found, MADE_UP[name])]
            assert told[0][0] in (401, 404), route
            assert told[0][0] == told[1][0], route
            assert told[0][1] == told[1][1], route
    for name in ("trade", "listing"):
        assert re.fullmatch(r"(tr|dc)1[a-z2-7]{52}", there[name]), "a digest"
