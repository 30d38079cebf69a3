"""What the gateway tells of the free quota and its price, and the report of series for the supervisor."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countermark.client import account, searches
from countermark.client.errors import GATEWAY_ANSWER, REFUSED_HERE, ClientError
from countermark.client.paying import Paying
from countermark.platform.matching.allowance import Allowance
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.quotas import Quota
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode
from countermark.protocol.sealed import open_sealed
from tests.support.front import Front, Trader
from tests.support.platform import MARKET
from tests.unit.gateway.conftest import Sale, refused

LONG = 10**12
FREE, PRICE = 3, 7


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    """A gateway whose search is free three times."""
    quota = Quota("search", most=FREE, window_ms=LONG)
    front = Front(database, tmp_path, allowance=Allowance(inquiries=quota, price=PRICE))
    yield front
    front.close()


def search(who: Trader, sample: Path, paying: Paying | None = None) -> list[str]:
    return searches.by_sample(who.market, who.keys, sample, paying=paying)


@pytest.fixture
def spent(sale: Sale) -> Sale:
    """A sale whose buyer has used up what is free."""
    for _ in range(FREE):
        assert search(sale.buyer, sale.front.photograph) == [sale.listing]
    return sale


@pytest.mark.requirement("A-31")
def test_everybody_is_told_what_is_free_and_what_more_costs(front: Front) -> None:
    told = front.raw().get("/v1/market").json()["search"]
    assert told == {"free": FREE, "samples": 640, "window_s": LONG // 1000, "price": str(PRICE)}


@pytest.mark.requirement("A-31")
def test_who_would_pay_pays_when_nothing_is_free_and_once(spent: Sale) -> None:
    buyer, sample = spent.buyer, spent.front.photograph
    before = account.balance(buyer.market)
    with refused(ErrorCode.RATE_LIMITED) as caught:
        search(buyer, sample)
    assert (caught.value.status, (caught.value.extra or {})["price"]) == (429, str(PRICE))
    assert account.balance(buyer.market) == before

    paying = Paying(buyer.market, buyer.vault)
    assert search(buyer, sample, paying) == [spent.listing]
    assert account.balance(buyer.market) == before - PRICE
    assert paying.amount == PRICE
    (row,) = spent.front.world.rows(tables.search_payments)
    assert row.tx_id == paying.txid
    assert searches.trace(buyer.market, buyer.keys, sample, paying=Paying(buyer.market, buyer.vault))
    assert account.balance(buyer.market) == before - 2 * PRICE


def test_a_payment_that_bought_no_answer_is_used_the_next_time(spent: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, sample = spent.buyer, spent.front.photograph
    before = account.balance(buyer.market)
    post = buyer.http.post

    def lost(path: str, body: dict[str, Any], **how: Any) -> dict[str, Any]:
        if path == "/v1/searches" and account.balance(buyer.market) < before:
            raise ClientError("gateway_silent", "on purpose", undecided=True)
        return post(path, body, **how)

    monkeypatch.setattr(buyer.http, "post", lost)
    with pytest.raises(ClientError, match="gateway_silent"):
        search(buyer, sample, Paying(buyer.market, buyer.vault))
    monkeypatch.undo()
    assert search(buyer, sample, Paying(buyer.market, buyer.vault)) == [spent.listing]
    assert account.balance(buyer.market) == before - PRICE
    assert buyer.vault.names("payments") == []


def test_a_payment_that_does_not_count_is_not_offered_again(spent: Sale) -> None:
    buyer = spent.buyer
    buyer.vault.put("payments", "ab" * 32, {"amount": "100"})
    with refused(ErrorCode.PAYMENT_INVALID) as caught:
        search(buyer, spent.front.photograph, Paying(buyer.market, buyer.vault))
    assert caught.value.status == 402
    assert search(buyer, spent.front.photograph, Paying(buyer.market, buyer.vault)) == [spent.listing]


def test_nothing_is_paid_in_a_dry_run(spent: Sale) -> None:
    buyer = spent.buyer
    before = account.balance(buyer.market)
    buyer.market.dry_run = True
    with refused(ErrorCode.RATE_LIMITED):
        search(buyer, spent.front.photograph, Paying(buyer.market, buyer.vault))
    assert account.balance(buyer.market) == before


@pytest.mark.parametrize("price", [str(PRICE + 1), "0", "much", 7])
def test_a_gateway_that_asks_for_more_than_it_publishes_is_paid_nothing(spent: Sale, price: Any) -> None:
    buyer = spent.buyer
    before = account.balance(buyer.market)
    paying = Paying(buyer.market, buyer.vault)
    asked = ClientError(ErrorCode.RATE_LIMITED, extra={"price": price})
    with pytest.raises(ClientError, match=f"^{GATEWAY_ANSWER}"):
        paying.pay(asked, 1)
    assert account.balance(buyer.market) == before


def test_a_limit_that_money_does_not_lift_is_told_as_it_is(spent: Sale) -> None:
    paying = Paying(spent.buyer.market, spent.buyer.vault)
    for error in (ClientError(ErrorCode.RATE_LIMITED), ClientError(REFUSED_HERE)):
        with pytest.raises(ClientError) as caught:
            paying.pay(error, 1)
        assert caught.value is error


@pytest.mark.requirement("A-31")
def test_the_supervisor_alone_reads_the_report_of_series(spent: Sale) -> None:
    world = spent.front.world
    supervisor = world.market.supervisor
    answer = spent.front.http(supervisor).get("/v1/audit/probes")
    plain = open_sealed({1: supervisor.encryption}, answer["sealed"], kind="probes", market=MARKET)
    (series,) = canonical.loads(plain)["series"]
    assert (series["accounts"], series["listing"]) == ([spent.buyer.address], spent.listing)
    assert (series["owner"], series["attempts"]) == (spent.seller.address, FREE)
    assert answer["next"] is None
    with refused(ErrorCode.NOT_PERMITTED):
        spent.buyer.http.get("/v1/audit/probes")
    with refused(ErrorCode.MALFORMED_REQUEST):
        spent.front.http(supervisor).get("/v1/audit/probes", {"cursor": "bm9uZQ"})
